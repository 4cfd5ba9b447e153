"""Run Tieline's worker: processes, steps, event intake and health, until SIGTERM or SIGINT."""

from api.process import main

if __name__ == "__main__":
    main()

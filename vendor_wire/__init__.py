"""Interface definitions as vendors publish them, and the code their own tools generate from them. Nothing of ours."""

"""The sandbox may say for whom a payload is without being entered, as long as nobody's answer depends on it."""

from __future__ import annotations

from temporalio.converter import CompositePayloadConverter, WithSerializationContext

from runtime.payload_codec import data_converter
from runtime.payload_keys import new_payload_key, parse_payload_keys


def test_our_converter_treats_the_payloads_of_all_steps_alike() -> None:
    for keys in ((), parse_payload_keys([new_payload_key("first")])):
        converter = data_converter(keys)
        whole = converter.payload_converter_class()
        assert isinstance(whole, CompositePayloadConverter)
        parts = (*whole.converters.values(), converter.failure_converter_class(), converter.payload_codec)
        assert not [part for part in parts if isinstance(part, WithSerializationContext)]
        assert converter.external_storage is None

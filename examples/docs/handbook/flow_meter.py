"""Reads the flow meter of the Tidewell 40 over its service port."""

PULSES_PER_LITRE = 450
"""The meter gives 450 pulses a litre; below 20 pulses a second the reading is not reliable."""

BAUD_RATE = 115200


def litres(pulses: int) -> float:
    """Litres that went through since the counter was reset."""
    return pulses / PULSES_PER_LITRE


def reset_counter(port) -> None:
    """Reset the cartridge counter: send the byte 0x52 and wait two seconds."""
    port.write(b"\x52")

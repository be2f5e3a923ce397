"""A config goes in; the lines that it needs in the Raspberry Pi's config.txt come out. Pure.

Sources: Raspberry Pi documentation, "config.txt" (gpio, enable_uart, conditional filters) and "Device Trees, overlays, and parameters"
(the overlays' README: watchdog, strict_gpiod, disable-bt, uart0_console). A comment there has a line of its own.
"""

from collections.abc import Iterator

from agent.config import Config, Output

UART_PORTS = {"/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0"}
"""Names of the UART on pins 14 and 15."""


def lines(config: Config) -> Iterator[str]:
    """One after the other. They begin and end with [all]: what stands before and after them may be for one model."""
    yield "[all]"
    yield "# The machine's own watchdog: systemd pets it, and it starts the machine again when that hangs."
    yield "dtparam=watchdog=on"
    yield from _uart(config)
    yield from _outputs(config.output)


def _uart(config: Config) -> Iterator[str]:
    """The receiver's port. /dev/serial0 has to be pins 14 and 15, and a UART whose speed does not follow the processor's."""
    if UART_PORTS.isdisjoint((config.gnss.port, *config.gnss.more_ports)):
        return
    yield "# The receiver on pins 14 and 15: UART on, and the good one (PL011), which Bluetooth has otherwise."
    yield "enable_uart=1"
    yield "dtoverlay=disable-bt"
    yield "# On a Pi 5 /dev/serial0 is the small socket beside the HDMI ones, unless this is said."
    yield "[pi5]"
    yield "dtparam=uart0_console"
    yield "[all]"


def _outputs(outputs: tuple[Output, ...]) -> Iterator[str]:
    """Each at its safe level from a few seconds after power-on until the agent takes it."""
    for output in outputs:
        yield f"# {output.id}"
        yield f"gpio={output.pin}=op,{'dh' if (output.safe == 'on') == (output.active == 'high') else 'dl'}"
    if outputs and all(output.safe == "off" for output in outputs):
        yield "# A pin is let go of in the moment in which the process that drove it ends; the driver's resistor then makes it dark."
        yield "dtparam=strict_gpiod"

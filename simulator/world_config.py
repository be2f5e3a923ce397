"""The vehicles of the virtual world: the name of a preset goes in, the config of its unit comes out."""

import msgspec

from agent.config import Config, Gnss, Input, InputUse, Lights, Mqtt, Orders, Output, Recorder, Report
from agent.config import Unit as UnitSection

CONFIG = Config(
    unit=UnitSection(id="sim-1"),
    mqtt=Mqtt(endpoints=("mqtt://broker.sim:1883", "mqtt://broker2.sim:1883")),
    input=(
        Input(id="panic", use=InputUse.PANIC, pin=17),
        Input(id="panic_foot", use=InputUse.PANIC, pin_no=27, pin_nc=23, mode="silent"),
        Input(id="ignition", use=InputUse.IGNITION, pin=22, release_s=3.0),
        Input(id="bar_seen", use=InputUse.LIGHT_SENSE, pin=24, senses="bar", release_s=1.0),
        Input(id="battery", use=InputUse.LOW_VOLTAGE, pin=25, debounce_s=2.0, release_s=5.0),
    ),
    output=(Output(id="light_left", pin=5), Output(id="light_right", pin=6), Output(id="lamp", use="panic_lamp", pin=13)),
    lights=Lights(shed=("bar",)),
    orders=Orders(allow_unsigned_development=True),
)
"""A patrol car with a button in the open, one under the foot, a light bar that is watched, and a battery that is."""

EVERYTHING = msgspec.structs.replace(
    CONFIG,
    input=(
        *CONFIG.input,
        Input(id="panic_rear", use=InputUse.PANIC, pin_no=4, pin_nc=18, mode="discreet", press="twice", seat="rear"),
        Input(id="cancel", use=InputUse.PANIC_CANCEL, pin=8, hold_s=3.0),
        Input(id="slide_cruise", use=InputUse.LIGHT_HAND, pin=16, show="cruise"),
        Input(id="slide_scene", use=InputUse.LIGHT_HAND, pin=20, show="scene"),
        Input(id="scene_seen", use=InputUse.LIGHT_SENSE, pin=21, senses="scene", release_s=1.0),
        Input(id="recorder", use=InputUse.RECORDER_ALIVE, pin=9, alive_s=12.0),
        Input(id="box", use=InputUse.TAMPER, pin_no=10, pin_nc=11),
    ),
    output=(
        *CONFIG.output,
        Output(id="scene", pin=12, group="scene"),
        Output(id="buzzer", use="buzzer", pin=19),
        Output(id="mark", use="recorder_mark", pin=26),
    ),
    lights=Lights(shed=("scene", "bar"), shed_every_s=10.0, restore_after_s=30.0),
    recorder=Recorder(mark_on=("panic", "order")),
)
"""In the preset `wires`: everything that a wire can lead to."""

RECEIVER = Gnss(receiver="l76k", constellations="beidou_gps", rate_hz=1, sentences="standard", baud_wanted=38400)
"""In the preset `gnss`: it comes with GLONASS, with more sentences, and at 9600 baud."""

SELDOM = Gnss(silence_s=60.0), Report(interval_s=20.0, emergency_interval_s=5.0)
"""In the presets `link` and `wires`: it speaks every twenty seconds (`simulator.pace`), and positions are sent accordingly."""


def configured(preset: str, bytes_per_day_max: int = 0) -> Config:
    """CONFIG, in `gnss` with RECEIVER, in `link` as SELDOM says, in `wires` with EVERYTHING; with a cap for the bytes of a day."""
    config = EVERYTHING if preset == "wires" else CONFIG
    mqtt = msgspec.structs.replace(config.mqtt, bytes_per_day_max=bytes_per_day_max)
    gnss, report = {"gnss": (RECEIVER, CONFIG.report), "link": SELDOM, "wires": SELDOM}.get(preset, (CONFIG.gnss, CONFIG.report))
    return msgspec.structs.replace(config, mqtt=mqtt, gnss=gnss, report=report)

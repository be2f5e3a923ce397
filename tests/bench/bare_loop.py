"""The peer of test_footprint: a receiver's port and a broker in, one JSON message per fix out, as a first prototype is written.

    python tests/bench/bare_loop.py PORT BROKER_PORT

pyserial's readline, pynmea2, paho; no store, no pins, no alarm. Says `ready` on stdout when the broker has answered.
"""

import json
import sys

import pynmea2
import serial
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    """Read, parse, publish, for ever."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_connect = lambda *_: print("ready", flush=True)
    client.connect("127.0.0.1", int(sys.argv[2]))
    client.loop_start()
    with serial.Serial(sys.argv[1], 9600, timeout=1) as port:
        while True:
            line = port.readline().decode("ascii", errors="replace").strip()
            try:
                said = pynmea2.parse(line, check=True)
            except pynmea2.ParseError:
                continue
            if said.sentence_type == "RMC":
                fix = {"time": str(said.datetime), "lat": said.latitude, "lon": said.longitude, "speed": said.spd_over_grnd}
                client.publish("peer/position", json.dumps(fix), qos=1)


if __name__ == "__main__":
    main()

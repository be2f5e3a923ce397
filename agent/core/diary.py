"""The diary: alarms and faults as they change go in; a line each for the log comes out, so that the unit's own journal tells the story."""

from agent.core.effects import Note
from agent.core.events import AlarmChanged, Event, Reported
from agent.core.part import Outputs, Part
from agent.wire.records import FaultRecord


class Diary(Part):
    """What somebody reads who has only the unit's own log."""

    name = "diary"
    listens = (AlarmChanged, Reported)

    def handle(self, event: Event) -> Outputs:
        """Write a line."""
        match event:
            case AlarmChanged(alarm_id=alarm, state=state, mode=mode, test=test):
                return [Note("warning", f"{'test ' if test else ''}alarm {alarm} ({mode}): {state}")]
            case Reported(record=FaultRecord(code=code, state=state, detail=detail)):
                return [Note("warning" if state == "raised" else "info", f"fault {code} {state}{f': {detail}' if detail else ''}")]
        return ()

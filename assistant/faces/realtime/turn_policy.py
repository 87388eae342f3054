"""A client's turn detection, as settings of the turn machine."""

from __future__ import annotations

from dataclasses import replace

from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.configs.settings import TurnsSettings

_LONGEST_S = {"low": 8.0, "medium": 4.0, "high": 2.0}  # as OpenAI has them
_LONGER = {"low": 4.0, "medium": 2.0, "high": 1.0, "auto": 1.0}  # times the waits after a turn that may go on


def turns_settings(config: SessionConfig, own: TurnsSettings) -> TurnsSettings:
    """`own` settings, with what the client has asked for.

    server_vad: one length of silence, whatever was said. semantic_vad: as judged by sound and words; "auto" waits as
    `huiyin talk` does.
    """
    extensions = config.extensions
    barge_in = extensions.get("barge_in") or ("voice" if config.interrupts_response else "ignore")
    openers = own.openers and bool(extensions)  # others have not asked for words beside those of their instructions
    turns = replace(own, openers=openers, replies=config.creates_response, barge_in=barge_in, talk_key=False)
    detection = config.turn_detection
    if detection is None:
        return replace(turns, talk_key=bool(extensions))  # speech counts while it is held
    if detection["type"] == "server_vad":
        silence_s = detection["silence_duration_ms"] / 1000
        return replace(
            turns,
            endpoint_s=silence_s,
            endpoint_complete_s=silence_s,
            endpoint_sure_s=silence_s,
            endpoint_doubtful_s=silence_s,
            endpoint_unsure_s=silence_s,
            endpoint_longest_s=silence_s,
            endpoint_unfinished_s=0.0,
            dictation_part_s=0.0,
            dictation_open_s=0.0,
        )
    longer = _LONGER[detection["eagerness"]]
    return replace(
        turns,
        endpoint_unsure_s=own.endpoint_unsure_s * longer,
        endpoint_unfinished_s=own.endpoint_unfinished_s * longer,
        dictation_part_s=own.dictation_part_s * longer,
        dictation_open_s=own.dictation_open_s * longer,
        endpoint_longest_s=_LONGEST_S.get(detection["eagerness"], own.endpoint_longest_s),
    )

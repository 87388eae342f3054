"""Errors that carry what happened, not a sentence: a key and facts. Their words are in `configs/messages`.

    HuiyinError
      SettingsError          a setting or profile that cannot be used (configs)
        SettingsConflict     one beside another
      PersonaError           a persona that cannot be used (assistant.dialogue)
      HistoryError           an item that a history does not have, or cannot take (assistant.dialogue)
      StoreError             a model file that cannot be had (configs.store)
        DiskFullError, UnknownNameError, CatalogError, SourceError
      CommandError           a command cannot go on (assistant.faces.cli)
        UsageError           it was asked for wrongly
      ScenarioError          a scripted conversation that cannot be read or played (assistant.scenario)
        NotPlayable, RoomMissing
      AgentError             an agent that scenarios are played to cannot be reached (assistant.scenario)
      PortError              a sound device that cannot be used (assistant.ports)
        DriverError          PortAudio refuses
      WavError               a sound file that cannot be used (assistant.ports)
      CancellerMissing       a library of the echo path that is not installed (assistant.ears)
      LibraryMissing         a package that is not installed, or cannot be loaded (configs.packages)
      ServiceError           a service that does not answer as it should (assistant.clients)
        LaunchError          one that cannot be started
      TlsError               a certificate that cannot be used (assistant.faces.web)
      SessionError           a kept conversation that cannot be read or written (assistant.conversation)
        UnknownSessionError  no conversation has that name, or more than one
      ModelError             a model of a service that cannot be loaded, or does not work (services.common)
        UnexpectedGraph      (services.tts)
      PortTaken              an address that cannot be listened on (services.common)
      PronunciationError     a word that cannot be said that way (services.common)
      SynthesisFailed        an engine cannot go on in the middle of a text (services.tts)
      EdgeError              a connection to edge-tts that fails in silence (services.tts)
      ModelFolderError       a recogniser's model folder that cannot be used (services.asr)
      WireError              what a Realtime client asks for cannot be done (assistant.faces.connections)
      ApiError               what a service answers its caller (services.common)
        UpstreamError        (services.llm)

The code that knows what is wrong raises one; the words for a person are made at the edge: `faces/cli` prints them, a
service's error handler sends them. ``str(error)`` is its message in English.

    raise SettingsError("settings.no_key", section=section, key=key, near=nearest(key, keys), keys=keys)

The key is a literal, so that `tests/house/test_messages.py` can hold the raised errors against the table. What several
share is added by a helper that takes the key (`refuse` in `configs/layers.py`), which that test lists. An error that
says more about another carries it as a fact: ``SettingsError("settings.bad_variable", name=name, error=error)``.
"""

from __future__ import annotations

from huiyin.configs import messages


class HuiyinError(Exception):
    """Root of the tree. `key` names the message in `configs/messages`, `facts` fill its places.

    `exit_status` is what a command ends with: 1 it did not work, 2 it was asked for wrongly.
    """

    exit_status = 1

    def __init__(self, key: str, /, **facts: object) -> None:
        super().__init__(key, facts)
        self.key, self.facts = key, facts

    @property
    def message(self) -> str:
        """What happened, as a sentence."""
        return messages.text(self.key, self.facts)

    @property
    def hint(self) -> str:
        """What to do about it; '' where the message says so, or nothing can be done."""
        return messages.hint(self.key, self.facts)

    def __str__(self) -> str:
        return self.message

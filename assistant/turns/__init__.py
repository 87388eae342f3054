"""Whose turn it is: a pure machine. Events in, actions out; no I/O, no clock, no threads.

`events` says what can happen, `actions` what can be asked for, `machine` decides.
The live loop and the simulator drive the very same object.

The rules it obeys:

1. A reply has a generation number. An event with another number than the current one is dropped.
2. The reply is prepared as soon as the user pauses (speculation) and played once the pause has lasted long enough
   (commitment). If the user goes on before a sound was heard, the preparation is thrown away and the next
   transcription covers the whole turn again.
3. Speech while the assistant speaks pauses it. Only when it turns out to be the user's turn is the reply stopped, and
   what was heard of it committed; else it goes on where it was.
4. What has stopped a reply is answered, or the reply goes on with the word it had come to, unless it was an order to be
   silent, a key or a button: speech that turns out to have no words, or to be an echo, never ends in silence. The model
   goes on with what it had not finished writing. Less than a second is left unsaid.
5. Every stage has a deadline. A stage that fails is followed by a spoken apology, and the machine listens again.
"""

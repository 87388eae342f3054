"""Whose turn it is: a pure machine. Events in, actions out; no I/O, no clock, no threads.

`events` says what can happen, `actions` what can be asked for, `machine` decides.
The live loop and the simulator drive the very same object.
"""

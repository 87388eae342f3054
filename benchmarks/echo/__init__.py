"""Measures the echo path: false barge-ins, recall, echo return loss, intelligibility."""

"""SenseVoiceSmall on a CPU without PyTorch: its features, its network as an ONNX graph, and what its outputs mean."""

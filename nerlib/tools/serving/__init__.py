"""A trained tagger for other engines: exported as a graph, checked by a gate, loaded without torch.

Built in notebook 09. `python -m nerlib export MODEL` does all of it; needs the extra `export`.

    MODEL/config.json, tokenizer.json …      what every engine needs
    MODEL/onnx/manifest.json                 which variants there are, their hashes and scores
    MODEL/onnx/fp32.onnx, int8.onnx          read by ONNX Runtime
    MODEL/openvino/fp32.xml, fp32.bin, …     read by OpenVINO
    MODEL/static/fp32.safetensors            a small tagger without an encoder
"""

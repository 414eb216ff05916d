"""Scores of small models of Hugging Face's own classes, whose weights follow a formula. Run: python models.py (pip install torch transformers)"""
import json
import numpy as np
import torch
import transformers
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel

torch.set_default_dtype(torch.float64)


def pattern(shape, seed, scale):
    n = int(np.prod(shape))
    return torch.tensor(scale * np.sin(1 + seed + 12.9898 * np.arange(n))).reshape(list(shape))


def fill(model):
    """The i-th parameter by name: scale · sin(1 + i + 12.9898 j), plus 1 for the factors of normalization."""
    names = []
    for i, (name, p) in enumerate(sorted(model.named_parameters())):
        norm = name.endswith("weight") and ("ln_" in name or "LayerNorm" in name)
        with torch.no_grad():
            p.copy_(pattern(p.shape, i, 0.2) + (1 if norm else 0))
        names.append([name, list(p.shape)])
    return model.double().eval(), names


numbers = lambda t: [float(f"{x:.9g}") for x in t.detach().reshape(-1).tolist()]
tokens = [[3, 1, 4, 1, 5, 9, 2], [6, 5, 3, 5, 8, 0, 7]]
gpt, gpt_names = fill(GPT2LMHeadModel(GPT2Config(vocab_size=11, n_positions=16, n_embd=12, n_head=3, n_layer=2)))
prompt = [3, 1, 4]
written = gpt.generate(torch.tensor([prompt]), max_new_tokens=9, do_sample=False, pad_token_id=0, eos_token_id=None)[0, 3:].tolist()
beams = gpt.generate(torch.tensor([prompt]), max_new_tokens=6, do_sample=False, num_beams=4, pad_token_id=0, eos_token_id=None)[0, 3:].tolist()
bert, bert_names = fill(BertForMaskedLM(BertConfig(vocab_size=11, max_position_embeddings=16, hidden_size=12, num_attention_heads=3, num_hidden_layers=2, intermediate_size=20, type_vocab_size=2)))
mask = [[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0, 0]]
types = [[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 0]]
with open("models.json", "w") as file:
    json.dump({
        "source": f"transformers {transformers.__version__}, PyTorch {torch.__version__.split('+')[0]}, float64",
        "tokens": tokens,
        "gpt2": {"names": gpt_names, "scores": numbers(gpt(torch.tensor(tokens)).logits), "prompt": prompt, "written": written, "beams": beams},
        "bert": {"names": bert_names, "mask": mask, "types": types, "scores": numbers(bert(torch.tensor(tokens), attention_mask=torch.tensor(mask), token_type_ids=torch.tensor(types)).logits)},
    }, file, separators=(",", ":"))
    file.write("\n")

"""What PyTorch does on the same graphics processor: a line of JSON for each product, convolution, map and training step, with TF32 off and on.

Run by `bench/webgpu.mjs`; says so where there is no torch or no CUDA.
"""
import json
import time


def say(**record):
    print(json.dumps(record), flush=True)


try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    say(section="torch", absent=f"python has no torch ({error})")
    raise SystemExit(0)
if not torch.cuda.is_available():
    say(section="torch", absent="torch sees no CUDA device")
    raise SystemExit(0)

device = torch.device("cuda")
say(section="torch", name="device", device=torch.cuda.get_device_name(), torch=torch.__version__)


def milliseconds(work, patience=0.2):
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    count = 1
    while True:
        start = time.perf_counter()
        for _ in range(count):
            work()
        torch.cuda.synchronize()
        elapsed = time.perf_counter() - start
        if elapsed >= patience or count >= 1024:
            return 1000 * elapsed / count
        count = min(1024, max(count + 1, int(count * patience * 1.2 / max(elapsed, 5e-4))))


def random(*shape):
    return torch.randn(*shape, device=device)


def products(tf32):
    shapes = [(n, n, n) for n in (256, 512, 1024, 2048, 4096)]
    shapes += [(784, 128, 512), (128, 512, 784), (16, 4096, 4096), (1, 4096, 4096), (512, 16384, 512), (64, 65536, 64)]
    for m, k, n in shapes:
        a, b = random(m, k), random(k, n)
        ms = milliseconds(lambda: a @ b)
        say(section="torch", name=f"product {m}×{k}×{n}", tf32=tf32, ms=ms, tflops=2 * m * k * n / ms / 1e9)


def convolutions(tf32):
    for x_shape, w_shape, padding, stride, groups in [
        ((64, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1),
        ((64, 256, 14, 14), (256, 256, 3, 3), 1, 1, 1),
        ((64, 256, 56, 56), (64, 256, 1, 1), 0, 1, 1),
        ((64, 3, 224, 224), (64, 3, 7, 7), 3, 2, 1),
        ((64, 144, 28, 28), (144, 1, 3, 3), 1, 1, 144),
    ]:
        x, w = random(*x_shape).requires_grad_(), random(*w_shape).requires_grad_()
        y = functional.conv2d(x, w, None, stride, padding, 1, groups)
        g = torch.ones_like(y)
        name = f"conv {'×'.join(map(str, x_shape))} by {'×'.join(map(str, w_shape))}"
        with torch.no_grad():
            ms = milliseconds(lambda: functional.conv2d(x, w, None, stride, padding, 1, groups))
        say(section="torch", name=f"{name}, forward", tf32=tf32, ms=ms)
        for wanted, of in (("input", x), ("weight", w)):
            ms = milliseconds(lambda: torch.autograd.grad(y, of, g, retain_graph=True))
            say(section="torch", name=f"{name}, gradient of the {wanted}", tf32=tf32, ms=ms)


def memory():
    count = 10_000_000
    a, b, c = random(count), random(count), random(count)
    wide = random(4096, 4096)
    for name, bytes_moved, work in [
        ("add 10M", 12 * count, lambda: a + b),
        ("sigmoid(a·b+c) 10M", 16 * count, lambda: torch.sigmoid(a * b + c)),
        ("sum 10M", 4 * count, lambda: a.sum()),
        ("row sums 4096²", 4 * 4096**2, lambda: wide.sum(-1)),
        ("column sums 4096²", 4 * 4096**2, lambda: wide.sum(0)),
        ("softmax 4096²", 8 * 4096**2, lambda: wide.softmax(-1)),
        ("running sums 4096²", 8 * 4096**2, lambda: wide.cumsum(-1)),
        ("sort of 1000000", 0, lambda: a[:1_000_000].argsort(stable=True)),
    ]:
        ms = milliseconds(work)
        say(section="torch", name=name, ms=ms, gbs=bytes_moved / ms / 1e6)


class Block(nn.Module):
    """W9's layers: see src/problems/transformer.ts."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width, bias=False)
        self.projection = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, time_, width = x.shape
        q, k, v = self.attention(self.norm1(x)).view(batch, time_, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.projection(mixed.transpose(1, 2).reshape(batch, time_, width))
        return x + self.down(functional.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Transformer(nn.Module):
    def __init__(self, vocabulary=256, width=128, length=64, layers=4, heads=4):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.zeros(length, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.tokens(x) + self.positions))).flatten(0, 1)


def steps(tf32):
    nets = {
        "W5": (
            nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)),
            torch.rand(128, 784),
            torch.randint(10, (128,)),
        ),
        "W6": (
            nn.Sequential(
                nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1568, 10),
            ),
            torch.rand(64, 1, 28, 28),
            torch.randint(10, (64,)),
        ),
        "W9": (Transformer(), torch.randint(256, (8, 64)), torch.randint(256, (512,))),
    }
    for name, (model, x, y) in nets.items():
        model.to(device)
        optimizer = torch.optim.Adam(model.parameters())
        x_host, y_host = x, y

        def step():
            loss = functional.cross_entropy(model(x_host.to(device)), y_host.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        say(section="torch", name=f"{name} step, eager", tf32=tf32, ms=milliseconds(step, 1))


for allowed in (False, True):
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed
    products(allowed)
    steps(allowed)
    convolutions(allowed)
memory()

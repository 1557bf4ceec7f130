"""A training step and a prediction in PyTorch, channels last; see README.md."""

import torch
import torch.nn.functional as F
from torch import nn

import harness

ACTIVATIONS = {"linear": [], "relu": [nn.ReLU], "elu": [nn.ELU], "sigmoid": [nn.Sigmoid], "tanh": [nn.Tanh],
               # In the loss.
               "softmax": []}


def modules(class_name, config, shape):
    """The layer's modules, and its output shape: channels first for images."""
    activation = [make() for make in ACTIVATIONS[config.get("activation", "linear")]]
    if class_name == "Dense":
        return [nn.Linear(shape[0], config["units"])] + activation, [config["units"]]
    if class_name == "Conv2D":
        kernel, stride = config["kernel_size"], config["strides"]
        padding = [(k - 1) // 2 for k in kernel] if config["padding"] == "same" else [0, 0]
        conv = nn.Conv2d(shape[0], config["filters"], kernel, stride, padding)
        size = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip(shape[1:], padding, kernel, stride)]
        return [conv] + activation, [config["filters"]] + size
    if class_name == "MaxPooling2D":
        pool = config["pool_size"]
        return [nn.MaxPool2d(pool)], [shape[0]] + [n // p for n, p in zip(shape[1:], pool)]
    if class_name == "Dropout":
        return [nn.Dropout(config["rate"])], shape
    if class_name == "Flatten":
        return [nn.Flatten()], [torch.Size(shape).numel()]
    raise SystemExit(f"no {class_name} here")


def main():
    args = harness.arguments()
    torch.set_num_threads(args.threads)
    name, input_shape, configs = harness.read(args.config)
    image = len(input_shape) == 3
    shape = [input_shape[2], *input_shape[:2]] if image else input_shape
    parts, x = [], torch.rand([args.batch, *shape]) - 0.5
    for config in configs:
        layer, shape = modules(*config, shape)
        parts += layer
    model = nn.Sequential(*parts)
    if image:
        model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, shape[0], (args.batch,))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7, fused=True)

    def step():
        model.train()
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    def infer():
        model.eval()
        with torch.inference_mode():
            return model(x).softmax(-1)

    params = sum(parameter.numel() for parameter in model.parameters())
    harness.report("pytorch", torch.__version__, name, params, args, step, infer)


if __name__ == "__main__":
    main()

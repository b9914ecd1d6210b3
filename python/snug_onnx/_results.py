"""What jobs give."""
import html
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:
    from ._model import Model


def _frame(page: str, height: int = 480) -> str:
    """A page in a frame of its own, so that its style and a notebook's leave each other alone."""
    return (f'<iframe srcdoc="{html.escape(page)}" style="width:100%;height:{height}px;border:0" '
            'sandbox="allow-scripts"></iframe>')


@dataclass(frozen=True)
class Layer:
    """A dot-product layer.

    Attributes:
        name: its node's name.
        op: its operator, such as "Conv".
        dot_length: K, the number of products in one sum.
        weight_bits, input_bits: None where it isn't quantized.
        target_bits: P, the width that its accumulator is held to; None for none.
        required_bits: the least width that no sum can overflow, in any order, for any input.
        data_type_bits: what the data types alone would demand.
        certified: whether the target is proved.
        raw: the layer's object of `snug inspect --json`, with scales and channels.
    """
    name: str
    op: str
    dot_length: Optional[int]
    weight_bits: Optional[int]
    input_bits: Optional[int]
    target_bits: Optional[int]
    required_bits: Optional[int]
    data_type_bits: Optional[int]
    certified: bool
    raw: Dict[str, Any] = field(repr=False, hash=False, compare=False)

    @classmethod
    def _of(cls, raw: Dict[str, Any]) -> "Layer":
        accumulator = raw.get("accumulator") or {}
        return cls(
            name=raw["name"], op=raw["op"], dot_length=raw.get("dot_length"),
            weight_bits=(raw.get("weight") or {}).get("bits"), input_bits=(raw.get("input") or {}).get("bits"),
            target_bits=accumulator.get("target_bits"), required_bits=accumulator.get("required_bits"),
            data_type_bits=accumulator.get("data_type_bits"), certified=bool(accumulator.get("certified")), raw=raw)


@dataclass(frozen=True)
class Inspection:
    """Every dot-product layer of a model.

    Attributes:
        format: "float", "qonnx" or "qcdq".
        certified: whether every layer's target is proved.
        raw: the document of `snug inspect --json`.
    """
    format: str
    certified: bool
    layers: List[Layer]
    raw: Dict[str, Any] = field(repr=False, hash=False, compare=False)
    _page: str = field(default="", repr=False, hash=False, compare=False)

    @classmethod
    def _of(cls, raw: Dict[str, Any], page: str = "") -> "Inspection":
        return cls(format=raw["model"]["format"], certified=raw["certified"],
                   layers=[Layer._of(layer) for layer in raw["layers"]], raw=raw, _page=page)

    def _repr_html_(self) -> str:
        return _frame(self._page) if self._page else f"<pre>{html.escape(repr(self))}</pre>"


@dataclass(frozen=True)
class Counterexample:
    """An input whose sum a layer's accumulator can't hold.

    Attributes:
        channel: the output channel, counted from 0.
        input: the integers of the input, one for each product.
        sum: what their products with the channel's weights sum to.
    """
    channel: int
    input: List[int]
    sum: int


@dataclass(frozen=True)
class LayerVerdict:
    """The verdict on a layer; `counterexample` is there where it is refuted with one."""
    name: str
    target_bits: Optional[int]
    required_bits: Optional[int]
    certified: bool
    counterexample: Optional[Counterexample]
    raw: Dict[str, Any] = field(repr=False, hash=False, compare=False)

    @classmethod
    def _of(cls, raw: Dict[str, Any]) -> "LayerVerdict":
        found = raw.get("counterexample")
        return cls(
            name=raw["name"], target_bits=raw.get("target_bits"), required_bits=raw.get("required_bits"),
            certified=raw["certified"], raw=raw,
            counterexample=Counterexample(found["channel"], found["input"], found["sum"]) if found else None)


@dataclass(frozen=True)
class Verification:
    """The verdict on a model. It is true where the model is certified: `if snug_onnx.verify(model): ...`

    Attributes:
        raw: the document of `snug verify --json`.
    """
    certified: bool
    layers: List[LayerVerdict]
    raw: Dict[str, Any] = field(repr=False, hash=False, compare=False)

    @classmethod
    def _of(cls, raw: Dict[str, Any]) -> "Verification":
        return cls(raw["certified"], [LayerVerdict._of(layer) for layer in raw["layers"]], raw)

    def __bool__(self) -> bool:
        return self.certified

    @property
    def refuted(self) -> List[LayerVerdict]:
        """The layers that aren't certified."""
        return [layer for layer in self.layers if not layer.certified]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(layer.name)}</td><td>{_cell(layer.target_bits)}</td>"
            f"<td>{_cell(layer.required_bits)}</td><td>{'✓ certified' if layer.certified else '✗ not certified'}</td></tr>"
            for layer in self.layers)
        verdict = "certified" if self.certified else "not certified"
        return (f"<p><b>{verdict}</b></p><table><tr><th>layer</th><th>target</th><th>required</th><th>verdict</th></tr>"
                f"{rows}</table>")


def _cell(value: Optional[int]) -> str:
    return "–" if value is None else str(value)


@dataclass(frozen=True)
class Metric:
    """A metric ("top1", "psnr" or "mse") and its value; accuracies are in per cent."""
    metric: str
    value: float

    @classmethod
    def _of(cls, raw: Optional[Dict[str, Any]]) -> "Optional[Metric]":
        return None if raw is None else cls(raw["metric"], raw["value"])


@dataclass(frozen=True)
class Conversion:
    """A converted model, and what it cost.

    Attributes:
        model: the certified model; `model.save(path)`, `bytes(model)` or `model.to_onnx()` hand it on.
        report: its layers.
        metric_float, metric_quantized: before and after, where there was validation data with labels.
        not_held: layers that aren't held to the width that was asked for, each with the reason.
        remarks: what is known to cost quality.
        raw: the document of `snug convert --json`.
    """
    model: "Model"
    report: Inspection
    metric_float: Optional[Metric]
    metric_quantized: Optional[Metric]
    not_held: List[Dict[str, Any]]
    remarks: List[Any]
    raw: Dict[str, Any] = field(repr=False, hash=False, compare=False)

    @classmethod
    def _of(cls, model: "Model", raw: Dict[str, Any], page: str) -> "Conversion":
        return cls(
            model=model, report=Inspection._of(raw["report"], page),
            metric_float=Metric._of(raw.get("metric_float")), metric_quantized=Metric._of(raw.get("metric_quantized")),
            not_held=raw["not_held"], remarks=raw["remarks"], raw=raw)

    @property
    def certified(self) -> bool:
        """Whether every layer's target is proved."""
        return self.report.certified

    def save(self, path: Any) -> None:
        """Writes the model to a file."""
        self.model.save(path)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


@dataclass(frozen=True)
class Export:
    """A model in another format; `raw` is the document of `snug export --json`."""
    model: "Model"
    format: str
    report: Inspection
    raw: Dict[str, Any] = field(repr=False, hash=False, compare=False)

    def save(self, path: Any) -> None:
        """Writes the model to a file."""
        self.model.save(path)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


@dataclass(frozen=True)
class Evaluation:
    """A model's metric on data; accuracies are in per cent.

    Attributes:
        raw: the document of `snug evaluate --json`.
    """
    metric: str
    value: float
    samples: int
    top5: Optional[float]
    loss: Optional[float]
    raw: Dict[str, Any] = field(repr=False, hash=False, compare=False)

    @classmethod
    def _of(cls, raw: Dict[str, Any]) -> "Evaluation":
        return cls(raw["metric"], raw["value"], raw["samples"], raw.get("top5"), raw.get("loss"), raw)


@dataclass(frozen=True)
class Sweep:
    """Conversions at many widths.

    Attributes:
        metric: "top1", "psnr" or "mse".
        float: that of the float model.
        points: one a conversion, with its method, bits, value and loss.
        recommendation: the cheapest point within `recommend`; None where none was asked for, or none is.
        folder: where table, figure, page and the recommended model are.
        raw: the document of `snug sweep --json`.
    """
    metric: str
    float: float
    points: List[Dict[str, Any]]
    recommendation: Optional[Dict[str, Any]]
    folder: Path
    raw: Dict[str, Any] = field(repr=False, hash=False, compare=False)
    _keep: Any = field(default=None, repr=False, hash=False, compare=False)

    @classmethod
    def _of(cls, raw: Dict[str, Any], folder: Path, keep: Any) -> "Sweep":
        return cls(raw["metric"], raw["float"], raw["points"], raw.get("recommendation"), folder, raw, keep)

    def _repr_html_(self) -> str:
        figure = self.folder / "sweep.svg"
        if figure.exists():
            return figure.read_text(encoding="utf-8")
        return f"<pre>{html.escape(json.dumps(self.points, indent=1))}</pre>"

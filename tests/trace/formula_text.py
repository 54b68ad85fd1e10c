"""Evaluates the text of a formula: what a reader would compute from it."""

import math
import re

import mpmath

RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ", "0123456789-+n")
FUNCTIONS = {
    "log": mpmath.log,
    "log2": lambda x: mpmath.log(x, 2),
    "log10": mpmath.log10,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arctan2": mpmath.atan2,
    "arsinh": mpmath.asinh,
    "arcosh": mpmath.acosh,
    "artanh": mpmath.atanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "polygamma": lambda n, x: mpmath.psi(int(n), x),
    "ndtr": mpmath.ncdf,
    "ndtri": lambda x: mpmath.sqrt(2) * mpmath.erfinv(2 * x - 1),
    "erfcx": lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
    "P": lambda a, x: mpmath.gammainc(a, 0, x, regularized=True),
    "Q": lambda a, x: mpmath.gammainc(a, x, regularized=True),
    "I0": lambda x: mpmath.besseli(0, x),
    "I1": lambda x: mpmath.besseli(1, x),
    "J0": lambda x: mpmath.besselj(0, x),
    "J1": lambda x: mpmath.besselj(1, x),
    "Y0": lambda x: mpmath.bessely(0, x),
    "Y1": lambda x: mpmath.bessely(1, x),
    "gamma": mpmath.gamma,
    "trunc": lambda x: mpmath.floor(x) if x > 0 else mpmath.ceil(x),
    "round": lambda x: mpmath.mpf(round(float(x))),
    "copysign": math.copysign,
    "nextafter": math.nextafter,
    "isfinite": mpmath.isfinite,
    "isinf": mpmath.isinf,
    "gcd": lambda a, b: math.gcd(int(a), int(b)),
    "lcm": lambda a, b: math.lcm(int(a), int(b)),
    "abs": abs,
    "max": max,
    "min": min,
    "pi": mpmath.pi,
    "nan": mpmath.nan,
    "inf": mpmath.inf,
}
SAME_NAME = "sin cos tan sinh cosh tanh exp erf erfc erfinv zeta floor ceil sqrt sign"
FUNCTIONS.update({name: getattr(mpmath, name) for name in re.findall(r"\w+", SAME_NAME)})
SIGNS = [
    ("ln 2", "log(2)"),
    ("ln 10", "log(10)"),
    ("log₂ e", "(1/log(2))"),
    ("log₂", "log2"),
    ("log₁₀", "log10"),
    ("ln", "log"),
    ("erf⁻¹", "erfinv"),
    ("Φ⁻¹", "ndtri"),
    ("Φ", "ndtr"),
    ("σ", "sigmoid"),
    ("Γ", "gamma"),
    ("ζ", "zeta"),
    ("π", "pi"),
    ("∞", "inf"),
    ("−", "-"),
    ("·", "*"),
    ("^", "**"),
    ("≤", "<="),
    ("≥", ">="),
    ("≠", "!="),
    (" is not nan", " == 0 or True"),
    (" is nan", " != 0 and False"),
    ("⌊", "floor("),
    ("⌋", ")"),
    ("⌈", "ceil("),
    ("⌉", ")"),
]


def python(text):
    """The formula as a Python expression."""
    text = re.sub(r"ln \|Γ\(([^()|]*)\)\|", r"ln(|Γ(\1)|)", text)
    text = re.sub(r"ψ⁽([^⁾]*)⁾\(", lambda m: f"polygamma({m[1].translate(RAISED)}, ", text)
    text = text.replace("ψ(", "polygamma(0, ")
    text = re.sub(r"([IJY])([₀₁])", lambda m: m[1] + "01"["₀₁".index(m[2])], text)
    for sign, written in SIGNS:
        text = text.replace(sign, written)
    text = re.sub(r"([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: f"**({m[1].translate(RAISED)})", text)
    text = re.sub(r"(?<![<>!=])=(?!=)", "==", text)
    while "|" in text:  # bars do not nest in these formulas
        text = text.replace("|", "abs(", 1).replace("|", ")", 1)
    while "√" in text:
        at = text.index("√")
        if text[at + 1] == "(":
            text = f"{text[:at]}sqrt{text[at + 1 :]}"
        else:
            operand = re.match(r"[\w.]+", text[at + 1 :])[0]
            text = f"{text[:at]}sqrt({operand}){text[at + 1 + len(operand) :]}"
    return text


def value_of(text, **variables):
    """The number that `text` stands for."""
    code = python(text)
    known = {f"{name}_": mpmath.mpf(v) for name, v in variables.items()}
    for name in variables:  # some are called as functions are: min
        code = re.sub(rf"(?<![A-Za-z0-9_.]){name}(?![A-Za-z0-9_(])", f"{name}_", code)
    code = re.sub(r"(?<![\w.])(\d+\.?\d*(?:e-?\d+)?)", r"mpf('\1')", code)
    return eval(code, {"__builtins__": {}, "mpf": mpmath.mpf, **FUNCTIONS}, known)

"""Made-up names in three made-up languages, each with syllables of its own."""

import random
import string

LANGUAGES = {
    "Velish": (["v", "l", "m", "th", "s"], ["a", "e", "ia", "y"], ["", "n", "l"]),
    "Kordan": (["k", "g", "dr", "t", "b"], ["o", "u", "a"], ["k", "rd", "g", ""]),
    "Nimori": (["n", "m", "r", "h", "sh"], ["i", "o", "a", "u"], [""]),
}
NAMES_OF = list(LANGUAGES)


def make_names(count: int, seed: int) -> list[tuple[str, int]]:
    """`count` pairs of a name and the number of its language, drawn evenly."""
    draw = random.Random(seed)
    names = []
    for _ in range(count):
        language = draw.randrange(len(NAMES_OF))
        syllables = draw.randint(2, 4)
        parts = [
            draw.choice(kind) for _ in range(syllables) for kind in LANGUAGES[NAMES_OF[language]]
        ]
        names.append(("".join(parts), language))
    return names


def letters_of(name: str) -> list[int]:
    """A name as numbers from 0 to 25."""
    return [string.ascii_lowercase.index(letter) for letter in name]

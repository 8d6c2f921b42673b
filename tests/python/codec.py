"""Sessions as Django writes and reads them: `make` prints some, `check` reads them back from its input, line by line.

The seed makes the data, so that both know it: whatever Python has for JSON, deep, long and odd.
"""

import json
import random
import sys

from django.conf import settings

settings.configure(SECRET_KEY="what the project signs with")

from django.contrib.sessions.serializers import JSONSerializer  # noqa: E402, once Django has its settings
from django.core import signing  # noqa: E402

SALTS = ["django.contrib.sessions.SessionStore", "django.contrib.sessions.backends.signed_cookies"]
TEXTS = ["", "a", "grüße 中 😀", '"\\/\b\f\n\r\t', "\0\x1f\x7f\u2028", "null", "$python", "_session_expiry"]
NUMBERS = [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1, 2**64, -(2**200), 10**300]
FLOATS = [0.0, -0.0, 0.1, 1e16, 1e-7, 1.5e300, 5e-324, 123456789.123456789, float("inf"), float("-inf"), float("nan")]


def text(chance):
    if chance.random() < 0.5:
        return chance.choice(TEXTS)
    return "".join(chr(chance.choice([chance.randrange(0xD800), chance.randrange(0xE000, 0x110000)])) for _ in range(9))


def value(chance, depth):
    match chance.randrange(9 if depth else 6):
        case 0:
            return chance.choice([None, True, False])
        case 1:
            return chance.choice(NUMBERS)
        case 2:
            return chance.randrange(-1000, 1000)
        case 3:
            return chance.choice([*FLOATS, chance.random(), chance.uniform(-1e20, 1e20)])
        case 4:
            return text(chance)
        case 5:
            return "long " * chance.randrange(200)
        case 6:
            return [value(chance, depth - 1) for _ in range(chance.randrange(5))]
        case _:
            return data(chance, depth - 1)


def data(chance, depth):
    return {text(chance): value(chance, depth) for _ in range(chance.randrange(5))}


def canonical(session):
    return json.dumps(session, sort_keys=True)


command, seed, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
for n in range(count):
    chance = random.Random(f"{seed} {n}")
    session, salt = data(chance, 4), SALTS[n % 2]
    if command == "make":
        compress = chance.random() < 0.5
        print(signing.dumps(session, salt=salt, serializer=JSONSerializer, compress=compress))
    else:
        line = sys.stdin.readline().strip()
        found = signing.loads(line, salt=salt, serializer=JSONSerializer)
        if canonical(found) != canonical(session):
            sys.exit(f"session {n} was {canonical(session)} and has become {canonical(found)}")

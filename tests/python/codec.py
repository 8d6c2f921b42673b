"""Sessions as Django writes and reads them, `signed` or as a `pickle`: `make` prints some, `check` reads them back from its
input, line by line.

The seed makes the data, so that both know it: whatever Python has for JSON, deep, long and odd.
"""

import json
import pickle
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


def signed(n, chance, session):
    compress = chance.random() < 0.5
    return signing.dumps(session, salt=SALTS[n % 2], serializer=JSONSerializer, compress=compress)


def unsigned(n, line):
    return signing.loads(line, salt=SALTS[n % 2], serializer=JSONSerializer)


def pickled(n, chance, session):
    return pickle.dumps(session, protocol=n % 6).hex()


def unpickled(n, line):
    return pickle.loads(bytes.fromhex(line))


command, form, seed, count = *sys.argv[1:4], int(sys.argv[4])
write, read = {"signed": (signed, unsigned), "pickle": (pickled, unpickled)}[form]
for n in range(count):
    chance = random.Random(f"{seed} {n}")
    session = data(chance, 4)
    if command == "make":
        print(write(n, chance, session))
    else:
        found = read(n, sys.stdin.readline().strip())
        if canonical(found) != canonical(session):
            sys.exit(f"session {n} was {canonical(session)} and has become {canonical(found)}")

"""Names of people in a list of words: `names_in`."""

from collections.abc import Iterator

from qingwen.metadata.patterns import patterns, search, table

# Names from other languages are written out: 努尔麦麦提·阿卜杜热西提. What is longer is an office or a sentence.
LONGEST_NAME = 40
_SPACE = "\x00"


def names_in(words: str, *, trusted: bool = False, rare: bool = False) -> tuple[str, ...]:
    """Return the names that a list begins with; the list ends at the first word that names nobody.

    Names are told by their surnames. Where a role and a mark stand before the list, ``rare`` surnames are read too, and
    behind 作者： (``trusted``) accounts. ``words`` are of the folded view.

    >>> names_in("方若溪、李守拙 周明"), names_in("赵 兵"), names_in("买买提·艾力")
    (('方若溪', '李守拙', '周明'), ('赵兵',), ('买买提·艾力',))
    >>> names_in("从市发展改革委获悉"), names_in("宣传部", trusted=True), names_in("春春", trusted=True)
    ((), (), ('春春',))
    """
    found: list[str] = []
    for word in _words(words):
        name = _person(word) or (_account(word) if trusted else _rare(word) if rare else None)
        if name is None:
            if found or not (trusted or rare):
                break
            continue
        found.append(name)
        if word.startswith(name) and word != name:
            break  # what is glued behind a name is no list
        if not is_person(name) and "、" not in words:
            break  # an account stands alone
    return tuple(dict.fromkeys(found))


def is_person(word: str) -> bool:
    """Tell whether a word is a person's name by its form, and no common word or place."""
    return bool(search("person", word)) and word not in table()["not_names"] and not _is_nobody(word)


def is_outlet(word: str) -> bool:
    """Tell whether a word reads like the name of a newspaper, an agency, a station or a site."""
    return bool(search("outlet", word))


def _words(words: str) -> Iterator[str]:
    joined = patterns()["spaced_name"].sub(r"\1\2", words.strip())
    joined = patterns()["latin_space"].sub(_SPACE, joined)
    if "、" in joined:
        joined = joined.replace("&", "、")
    for word in patterns()["name_marks"].split(joined):
        word = word.replace(_SPACE, " ").strip(" .,:;'\"“”‘’@#*-—_|")
        if word.count("(") != word.count(")"):
            word = word.strip("()")
        if word:
            yield word


def _person(word: str) -> str | None:
    if is_person(word):
        return word
    for pattern in ("glued", "four_glued", "office_name"):
        found = search(pattern, word)
        if found and found["name"] not in table()["not_names"] and not _is_nobody(found["name"]):
            return found["name"]
    return None


def _account(word: str) -> str | None:
    found = search("account", word)
    bad = not found or _is_nobody(word) or is_outlet(word) or word.isdigit() or word in table()["not_names"]
    return None if bad or len(word) > LONGEST_NAME else word


def _rare(word: str) -> str | None:
    return word if search("rare_name", word) and not is_outlet(word) and not _is_nobody(word) else None


def _is_nobody(word: str) -> bool:
    return word.lower() in _nobody() or bool(search("no_person", word))


def _nobody() -> frozenset[str]:
    return frozenset(name.lower() for name in table()["nobody"])

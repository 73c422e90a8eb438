"""Paths and models in a request: what is there first, then what looks like a path and is not there.

A file that exists is a candidate whatever its name; one that does not exist is kept as `missing`, so that the planner
asks instead of guessing. It looks at names and at the workspace's listing (at most 2000 entries, 4 folders deep).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from modelwright.graphs.planning.candidate import Candidate

DATA_ENDINGS = frozenset({".jsonl", ".json", ".csv", ".tsv", ".parquet", ".txt", ".md", ".ndjson", ".gz"})
MODEL_ENDINGS = frozenset({".gguf", ".safetensors", ".bin", ".pt"})
OTHER_ENDINGS = frozenset({".toml", ".yaml", ".yml", ".html", ".pdf", ".dat", ".imatrix", ".log", ".xlsx", ".zst"})
ENDINGS = DATA_ENDINGS | MODEL_ENDINGS | OTHER_ENDINGS
MOST_ENTRIES, DEEPEST = 2000, 4

_OWN = """
out output outputs data datasets models runs results result build dist checkpoints ckpt exports adapters trained tmp
quants gguf weights logs eval evals train docs reports src
"""
OWN_FOLDERS = frozenset(_OWN.split())
"""Names of folders that no organisation has."""
_RATE = re.compile(
    r"^(?:[^\W\d]+|[$€£][\d.,]*)/(?:kwh|kw|million|mtok|1m|s|sec|seconds?|min|minute|h|hr|hour|day|jour|tag|d[ií]a|giorno|dag|heure|stunde|mois|monat|mese?|week|month|mo|year|yr|word|token|byte|char|letter|request|req|user|step|row|ha|hectare|acre|km2?|m[23²³]|kg|tonne|ml|mm|lb|litre|liter|mbar)s?$|^[$€£][\d.,]+/m$",
    re.IGNORECASE,
)
"""cost/month, tokens/s: no paths."""
_PLACE = re.compile(
    r"(?:(?:^|[,;(\n]|\be?) ?(?:output|outdir|outfile|dest|ziel|salida|sortie|uscita|saída)|(?<![\w-])(?:dest(?:ination)?|output"
    r"|out|target|outfile|outdir|ziel|destino|sortie|uscita|saída)\s*[:=]|-o|--out\w*)\s*$",
    re.IGNORECASE,
)

_NAMED = re.compile(
    r"\b(?:under the name|sous le nom|unter dem namen|con el nombre|col nome|com o nome|onder de naam)(?: of| de| di)?$", re.IGNORECASE
)

_BUILTIN = re.compile(
    r"\b(?:b(?:uilt|ulit|iult|uild|uil|uit)[- ]?in|bundled|packaged|shipped|included)"
    r"(?:[- ](?:small |little |tiny )?(?:language )?(?:model|one|llm|smollm2?))?\b"
    r"|\b(?:inb[yu]gg(?:da|de)|innebygde|indbyggede) model\w*|\bwbudowan\w+ model\w*|\bmodel\w* wbudowan\w+"
    r"|\b(?:eingebaute|mitgelieferte|ingebouwde|meegeleverde)[nsrm]?(?:[- ]kleine[ns]?)?(?:[- ](?:sprach)?modell?\w*)?\b"
    r"|\b(?:modelo|modèle|modello)(?: de (?:lenguaje|langage|linguagem))?"
    r" (?:integrad|inclu[ií]d|incorporad|embutid|intégré|inclus|fourni|integrat)\w*"
    r"|\bbuiltin\b|\bsmollm2?(?:[- ]135m)?(?:[- ]instruct)?\b(?![-/.\d])",
    re.IGNORECASE,
)
_ENDPOINT = re.compile(r"openai:https?://[^\s,;'\"`]+|https?://[^\s,;'\"`/]+(?::\d+|/v1)[^\s,;'\"`]*", re.IGNORECASE)
_GLOB = re.compile(r"(?<![\w*])[\w./~-]*(?:\*\*?/?)+[\w./*?-]*(?:\.\w+|/\*\*?)(?![\w*])|(?<![\w*])[\w.~-]+/\*+(?![\w*])")
_FOLDER_WORD = (
    r"(?:folder(?:u|ze|em|y)?|directory|dir|ordners?|verzeichnis|carpeta|directorio|dossier|répertoire|cartella|pasta|map(?:pen?)?"
    r"|katalog(?:u|iem)?|slož\w{2}|папк\w*)"
)
_PLAIN_FOLDERS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_FOLDER_WORD}\s+(?:called |named |namens |llamada |nommé )?(?P<name>[\w.-]+)",
        rf"(?<![\w.-])(?P<name>[\w.-]+)[\s-]+{_FOLDER_WORD}\b",
        r"\b(?:re-?index|index|read|ingest|scan|under|inside|through|in|from|indexa|indexe|indiziere|indicizza|dans|aus|en|em|nella)"
        r"\s+(?:all of |everything in |in )?[`\"']?(?P<name>[\w.-]+)",
        r"(?<![\w./~-])(?P<name>\w[\w.-]*[_\d-][\w.-]*)(?![\w/-])",
    )
]
"""Beside a word for a folder, behind a verb or preposition, or alone where it is no ordinary word: kb_beir, mails-2024."""
_QUOTED = re.compile(r"(?<!\w)(?P<q>[\"'`“‘«])(?P<body>[^\"'`“”‘’«»\n]{1,200})[\"'`”’»]")
_TOKEN = re.compile(r"[^\s,;\"'`“”‘’«»()\[\]{}<>|*?，。、；：？！（）「」؟،؛]+")
_NO_SPACES = re.compile(r"[\u3000-\u9fff\uac00-\ud7af]+")
"""Scripts that put no space between a word and a file's name."""
_SAVE = re.compile(
    r"\b(?:sav|stor|writ|put|output|dump|keep|plac|nam|call|record)\w*\b(?! (?:is|are|was|were|sits?|lies?"
    r"|lives?)\b)[^.;]{0,60}?\b(?:to|in|into|as|under|at|it|folder|file)\s*$",
    re.IGNORECASE,
)
_SAVE_ABROAD = re.compile(
    r"\b(?:gu[aá]rd[ae]\w*|speicher\w*|enregistr\w*|salv[ai]\w*|bewaar\w*|skriv\w*|lagre|spara|zapisz|schreib\w*|escrib\w*|écri\w+|scriv\w*|schrijf)\b[^.;]{0,40}?\b(?:en|in|unter|nach|dans|sous|em|sotto|onder"
    r"|als|til|till|naar|do|w)\s*$",
    re.IGNORECASE,
)
_RESULT = re.compile(
    r"(?:^|[.;,:!?]\s|\b(?:and|und|et|y|e|en) )(?:(?:the|das|de|het|le|el|il|o) )?(?:results?|ergebnis\w*|resulta\w*|résultats?"
    r"|risultat\w*|wynik\w*)"
    r"(?: [\w'’-]+){0,3} (?:in|into|to|under|unter|nach|naar|onder|en|dans|sous|em|para|sotto|do|w|till|til|i)\s*$",
    re.IGNORECASE,
)
""" "Resultaat graag in uit/klachten"."""
_OVER = re.compile(r"\b(?:writ|sav|stor|export|dump)\w*(?: [\w'’-]+){0,5} (?:to|into|as)\s*$|\b(?:goes|go) (?:to|into)\s*$", re.IGNORECASE)
"""Before a path that is a place to write even if it is there: "write it as f16 to out/m.gguf"."""
_GIVEN = re.compile(
    r"\b(?:giv|leav|mak|creat|produc|hand|deliver|want|need|gib|mach|dej|dame|donne|fais|laiss|dammi|fammi|geef|maak)\w*\b[^.;?!]{0,40}?"
    r"\bgguf\b(?:[- ]?file)?(?: (?:out )?of (?:it|that|this|(?:the|my|our) \w+))?(?:,| in| into| as| at"
    r"| called| named| im| en| dans|:)*\s*$",
    re.IGNORECASE,
)
"""Before a GGUF file that is not there: "give me one GGUF file, brief.gguf"."""
_MADE_INTO = re.compile(
    r"(?<!we )(?<!i )(?<!they )\b(?:save|store|write|put|place|leave|drop)(?: (?:it|them|this|that|both|(?:the|my|our) (?:result"
    r"|adapter|model|output|weights|checkpoint|merged \w+|whole thing)))?"
    r"(?: \w+)? (?:to|in|into|as|under|at)\s*$"
    r"|\b(?:export|merg|convert|turn|fus|bak|speicher|exporti?er|verschmelz|enregistr|guard|salv)\w*\b[^.;?!]{0,60} (?:(?:in)?to|as"
    r"|nach|als|en|vers|como)\s*$"
    r"|\b(?:turn|convert|export|merg|make|write|fus|bak)\w*\b(?:[^.;?!]|\.(?=\w)){0,80}\b(?:named|called)\s*$"
    r"|(?<![\w.-])(?:gguf|f16|bf16|q8_0)(?: file)? (?:(?:in)?to|as)\s*$|\bas an? (?:[\w-]+ )?gguf(?: file)?,\s*$",
    re.IGNORECASE,
)
"""Before a model that is to be written, even if one of that name is there already: "save it in models/coach-v2"."""
_NONE_OF = re.compile(r"\b(?:not|n['’]t) have (?:an?|any|the)\s$", re.IGNORECASE)
_NOT_YET = (
    re.compile(r"\b(?:no|kein\w*|geen|ingen)\s$", re.IGNORECASE),
    re.compile(
        r"\s*(?:yet|so far|at hand|here|there|available"
        r"|around|noch|nog|ännu|\))"
    ),
)
"""Around a file that is said not to be there: "no config.json yet"."""
_ALREADY = re.compile(
    r"\b(?:i|we|they|he|she|someone|somebody)(?:['’]ve|['’]d| have| has| had)?(?: just| now| already| also| recently)* "
    r"(?:moved|put|saved|stored|wrote|written|dumped|kept|keep|placed|copied|exported|recorded|collected|gathered)\b[^.;?!]*$"
    r"|\b[a-z]+ (?:keeps|stores|saves|puts|dumps|collects) (?!it\b)[^.;?!]*$",
    re.IGNORECASE,
)
"""Before a folder that is there: "we moved the dump to wiki/" tells where things are, and asks for nothing to be written."""
_NOT_PATHS = """
and/or a/b ndcg/recall recall/ndcg precision/recall he/she s/he yes/no n/a w/o w/ i/o input/output in/out before/after avant/après
vorher/nachher antes/después antes/depois prima/dopo voor/na parent/child train/test either/or train/eval tokens/s km/h 24/7 tok/s
question/answer prompt/completion q/a key/value keys/values k/v fusion/threshold threshold/fusion chosen/rejected read/write pass/fail
on/off cpu/gpu gpu/cpu min/max mean/median up/down hit/miss true/false
g/mol mol/l mg/kg mg/ml mg/l g/l kg/m3 m/s w/kg w/m2 l/h
"""
NOT_PATHS = frozenset(_NOT_PATHS.split())


_MEASURED = (
    r"(?:perplexity|ppl|kld?|bleu|rouge|accuracy|recall|precision|ndcg|mrr|latency|throughput|speed|quality|costs?|size|memory|time|loss"
    r"|ttft|tpot)"
)
_MEASURES = re.compile(rf"{_MEASURED}/{_MEASURED}", re.IGNORECASE)
"""perplexity/KL: two measures, no model of an organisation."""


def find_paths(text: str, workspace: Path) -> list[Candidate]:
    found = [Candidate("glob", m.group(), m.start(), m.end(), m.group()) for m in _GLOB.finditer(text) if m.group().strip("*/.")]
    for start, end, value in _spans(text, workspace):
        if any(start < f.end and f.start < end for f in found):
            continue
        kind = kind_of(value, workspace)
        if kind and not _is_wanting(text, start, end):
            found.append(_placed(kind, value, start, end, text))
    for pattern in (_ENDPOINT, _BUILTIN):
        for match in pattern.finditer(text):
            if not any(match.start() < f.end and f.start < match.end() for f in found):
                written = match.group().rstrip(".?!:,;")
                value = "builtin" if pattern is _BUILTIN else written if written.startswith("openai:") else f"openai:{written}"
                found.append(Candidate("model", value, match.start(), match.start() + len(written), written))
    found += _plain_folders(text, workspace, found)
    return sorted(found, key=lambda c: c.start)


_OF_INDEX = re.compile(
    r"\b(?:the|an?|my|our|this|that|to|into|in|im|den|dem|der|el|al|la|le|il|o|no|de|het) (?:[^\W\d]+ )?(?:index|idx|[íi]ndice|indeks\w*) "
    r"(?:called |named |namens )?[\"'`]?$",
    re.IGNORECASE,
)
"""Before the name of an index, which a folder may have too: "add the folder letters to the index letters"."""


def _is_wanting(text: str, start: int, end: int) -> bool:
    before, behind = _NOT_YET
    return bool(_NONE_OF.search(text[:start]) or (before.search(text[:start]) and behind.match(text, end)))


def _plain_folders(text: str, workspace: Path, taken: list[Candidate]) -> list[Candidate]:
    """ "the docs folder", "im Ordner docs", "index docs": a folder without a slash that is there."""
    found: list[Candidate] = []
    for pattern in _PLAIN_FOLDERS:
        for match in pattern.finditer(text):
            name, start = match.group("name").rstrip("."), match.start("name")
            free = not any(start < t.end and t.start < start + len(name) for t in [*taken, *found])
            if _OF_INDEX.search(text[:start]) and any(name == other.value for other in found):
                continue
            if free and name and not name.startswith(".") and (workspace / name).is_dir() and not is_model_folder(workspace / name):
                found.append(Candidate("folder", name, start, start + len(name), name))
    return found


def _spans(text: str, workspace: Path) -> Iterator[tuple[int, int, str]]:
    """Pieces of the request that may be paths: quoted, with spaces in an existing name, then single words."""
    for match in _QUOTED.finditer(text):
        body = match.group("body")
        if body.strip() == body and (
            exists(body, workspace)
            or ("/" in body and " " not in body)
            or (Path(body).suffix.lower() in ENDINGS and len(body.split()) <= 4)
        ):
            yield match.start("body"), match.end("body"), body
    for name in names_in(workspace):
        if " " in name:
            for match in re.finditer(re.escape(name), text):
                yield match.start(), match.end(), name
    for match in _TOKEN.finditer(text):
        for offset, value in _trimmed(match.group(), workspace):
            yield match.start() + offset, match.start() + offset + len(value), value


def _trimmed(token: str, workspace: Path) -> Iterator[tuple[int, str]]:
    """The token, then without the punctuation that ends a sentence, then what follows `key=` or `key:`."""
    if exists(token, workspace) and not token.endswith(("/.", "/..")) and token not in (".", ".."):
        yield 0, token
    elif _NO_SPACES.search(token):
        for piece in re.finditer(r"[^\u3000-\u9fff\uac00-\ud7af]+", token):
            yield piece.start(), piece.group().rstrip(".:!")
        return
    bare = token.rstrip(".:!")
    key = re.match(r"[A-Za-z_]+[=:](?=[^/])", bare)
    if key and "://" not in bare and not exists(bare, workspace):
        yield key.end(), bare[key.end() :]
    elif bare and bare != ".":
        yield 0, bare


def kind_of(value: str, workspace: Path) -> str | None:
    """dataset, model, file, folder, missing, or None for an ordinary word."""
    if value in ("/", ".", "..", "~") or "://" in value:
        return None
    path = workspace / os.path.expanduser(value)
    named = "/" in value or "." in value
    if path.is_dir():
        if is_model_folder(path):
            return "model"
        return "folder" if "/" in value or " " in value else None
    if path.is_file():
        return _kind_of_file(path)
    if Path(value).suffix.lower() in ENDINGS and named and Path(value).stem:
        return "missing"
    return _kind_of_slashed(value, workspace) if "/" in value else None


def _kind_of_file(path: Path) -> str:
    ending = path.suffix.lower()
    if ending == ".gguf" or path.name in ("config.json", "adapter_config.json"):
        return "model"
    return "dataset" if ending in DATA_ENDINGS else "file"


def _kind_of_slashed(value: str, workspace: Path) -> str | None:
    """org/name is a model, other things with a slash are paths that are not there."""
    if is_measure(value) or not re.search(r"[A-Za-z]", value) or re.fullmatch(r"\d[\d.]*/\w+|/\d+(?:-\w+)?", value):
        return None
    hub_name = re.fullmatch(r"[A-Za-z0-9][\w.-]*/[\w.-]+", value)
    folder = value.split("/", maxsplit=1)[0]
    if hub_name and re.search(r"[A-Z0-9]", value) and not (workspace / folder).exists() and folder not in OWN_FOLDERS:
        return "model"
    return "missing"


def is_measure(value: str) -> bool:
    """Two words or units with a slash between them that stand for no path: cost/month, plants/ha, precision/recall."""
    return value.lower() in NOT_PATHS or bool(_MEASURES.fullmatch(value) or _RATE.search(value))


def is_model_folder(path: Path) -> bool:
    return (path / "config.json").is_file() or (path / "adapter_config.json").is_file()


def exists(value: str, workspace: Path) -> bool:
    try:
        return bool(value.strip()) and (workspace / os.path.expanduser(value)).exists()
    except (OSError, ValueError, RuntimeError):
        return False


_TO_A_FOLDER = re.compile(
    r"\b(to|into)(?: (?:an?|the|one))?(?: (?:hf|hugging ?face|gguf|output|new))? (?:folder|directory|dir)$", re.IGNORECASE
)


def _placed(kind: str, value: str, start: int, end: int, text: str) -> Candidate:
    before = text[max(0, start - 90) : start].rstrip("\"'`“‘« ")
    lead = re.search(r"\b(to|into|as|in|at|under)$", re.sub(r"\s*(?:->|→|=>)$", " to", before), re.IGNORECASE) or _TO_A_FOLDER.search(
        before
    )
    into_an_index = kind == "folder" and re.match(r"\s+(?:in)?to (?:an?|the|my|our) (?:\w+ )?index\b", text[end:], re.IGNORECASE)
    is_told = kind in ("folder", "dataset", "file") and _ALREADY.search(before)
    written = not is_told and (
        (
            kind in ("missing", "folder")
            and (_SAVE.search(before) or _SAVE_ABROAD.search(before) or _RESULT.search(before))
            and not into_an_index
        )
        or (kind == "missing" and _GIVEN.search(before))
        or _OVER.search(before)
        or (kind in ("model", "missing") and _MADE_INTO.search(before))
        or _NAMED.search(before)
    )
    if written or _PLACE.search(before):
        kind = "output"
    return Candidate(kind, value, start, end, text[start:end], lead=lead.group(1).lower() if lead else "")


def names_in(workspace: Path) -> tuple[str, ...]:
    """Relative names of the workspace's files and model folders, hidden ones left out."""
    names: list[str] = []
    for folder, folders, files in os.walk(workspace):
        depth = Path(folder).relative_to(workspace).parts
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__"))) if len(depth) < DEEPEST else []
        here = [*files, *(f for f in folders if is_model_folder(Path(folder) / f))]
        names += [str(Path(*depth, name)) for name in sorted(here) if not name.startswith(".")]
        if len(names) > MOST_ENTRIES:
            break
    return tuple(names[:MOST_ENTRIES])


def folders_in(workspace: Path) -> list[str]:
    """Folders of the workspace's first level that hold no model, with a slash at their end."""
    try:
        found = [entry for entry in sorted(workspace.iterdir()) if entry.is_dir() and not entry.name.startswith((".", "__"))]
    except OSError:
        return []
    return [f"{entry.name}/" for entry in found if not is_model_folder(entry)]

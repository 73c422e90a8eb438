"""Proper names in a request that no file stands for: graphics cards, model families, search indexes, places to write.

An index is known by the words around it ("the index hr", "in the hr index", "im Index hr"), by being one of the
workspace's, or, with `identifiers`, by looking like one (hr_docs, kb-2024).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelwright.graphs.planning.candidate import Candidate

_GPU = re.compile(
    r"(?<![\w./-])(?:\d+ ?x ?)?((?:nvidia |geforce |amd |apple |intel )*(?:(?:rtx|gtx|quadro|radeon|rx"
    r"|arc) ?(?:pro )?[a-z]?\d{3,4}(?: ?(?:ti|super|xtx?|ada))*"
    r"|[ahb][12]00s?|a10g?|a30|a40|a6000|l40?s?|l4|t4|v100|p100|p40|gb?200|mi ?\d{2,3}x?|m[1-5] (?:pro|max|ultra)|m[1-5]"
    r"|[2-5]0[5-9]0(?: ?(?:ti|super))?|jetson(?: \w+)?|raspberry ?pi(?: ?\d)?|tpu(?: ?v\d\w*)?))s?"
    r"(?![\w/]|\.\w|-(?!(?:kort\w*|kaart\w*|karten?|cards?|gpus?|grafikkarten?|maskin\w*|box|node|rechner|server)(?!\w)))",
    re.IGNORECASE,
)
_FAMILY = re.compile(
    r"(?<![\w./-])(?:meta-?)?(?:tiny)?(?:llama|qwen|mistral|mixtral|phi|gemma|falcon|deepseek|granite|olmo|pythia|vicuna|zephyr|codellama|"
    r"gpt-oss|gpt2?|bloom|smollm2?|minicpm|command-?r|starcoder|yi|opt|stablelm)"
    r"(?:[ _-]?v?\d+(?:\.\d+)*)?(?:[ _-](?:mini|small|medium|large|nemo|coder|instruct|chat|base|it|moe|r1|distill))*"
    r"(?:[ _-]?(?:\d+x)?\d+(?:\.\d+)?[bm])(?:[ _-](?:instruct|chat|base|it|hf|v\d+(?:\.\d+)*))*(?![\w/])"
    r"|(?<![\w./-])(?:phi-\d(?:\.\d)?-mini|gpt-?2|mistral-nemo|phi-[234])(?![\w/.-]|\.\w)",
    re.IGNORECASE,
)
_NAME = r"(?P<q>[\"'`“«「『]?)(?:(?<=«)\s)?(?P<name>[^\W_][\w-]{1,40})(?P=q)?"
_LANGUAGES = (
    r"(?:english|german|french|spanish|italian|portuguese|dutch|englisch|deutsch|general|detail|full|short|brief|particular|fact|turn|order"
    r"|total|context|return|español|inglés|anglais|français|bulk|advance|parallel|person|writing|plain)\b"
)
""" "in German", "in detail": no place."""
_INDEX = (
    re.compile(
        r"\b(?:[\w-]+ )?(?:ind(?:ex|ice|eks\w*)|índice) \((?:it(?:['’]s| is| was) |which is |is |der |som "
        r"|se )?(?:called|named|name:?|heißt|hedder"
        rf"|heter|llama|chiama|chama) {_NAME}\)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:ind(?:ex|ice)|índice)(?:'s)?,? (?:(?:its|the|il|le|el|o|der|den) )?(?:name|nome|nom|nombre|naam)"
        rf"(?: is|:| =| ist| est| es| è| é)? {_NAME}(?![\w/*-]|\.\w)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:(?:re-?)?ind(?:ex|iz|ic)\w*|idx|ingest|load|read|lade|lies|carga|lee|lis|carica|leggi|carrega|laad|lees)\s+(?:(?:the"
        rf"|all|my|our|folder|den|die|das|ordner|la|el|le|il|o|a|carpeta|dossier|cartella"
        rf"|pasta|map)\s+){{0,3}}"
        rf"[\w./*-]+\s+(?:as|into|under|als|unter|como|bajo|comme|sous|come|sotto|onder)\s+{_NAME}(?![\w/*-]|\.\w)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:ind(?:ex(?:et|en)?|ice|ic[ei]|eks\w*)|idx|índice|collection|bestand|kb|knowledge base"
        r"|индекс\w*)(?:['’]s name)?(?:\s*(?:[=:→⇒]|->|=>)\s*|,?\s+(?=say\b|namely|(?:der|som|die|dat) he)|\s+)"
        rf"(?:(?:der|som|die|dat) (?=he(?:dder|ter|der|ißt|isst|et)\b)|is |ist |it |ihn |it's |(?:which "
        rf"|that )?(?:we|i) )?(?:called|call|named|name(?: is|:| =)?|heißt|heisst|se llama|s['’]appelle"
        rf"|si chiama|se chama|heet|heter|hedder|namens|nennen|llamado|llamada|nommé|appelé|chiamato|chamado|genaamd"
        rf"|genannt|as|als|=|:|say,?|namely)?\s*(?!works? (?:these|today|now|well|for|at|as|like|so)\b){_NAME}(?![\w/*-]|\.\w)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\bind(?:ex|iz|ic)\w*(?:ed|iert|ad[oa]s?|ée?s?|at[oaie]|erd)\s+(?:(?:as|under|als|unter|como|comme|come|onder)\s+{_NAME}"
        r"(?![\w/*-]|\.\w)|\((?P<held>[^\W_][\w-]{1,40})\))",
        re.IGNORECASE,
    ),
    re.compile(r"(?<![\w./-])(?P<name>[a-z]\w*(?:-\w+)*-(?:idx|index))(?![\w/-]|\.\w)", re.IGNORECASE),
    re.compile(
        rf"\b(?:searchable|taken in|read in|loaded|ingested|zaindeksuj\w* [\w./-]+) (?:as|under|jako) {_NAME}(?![\w/*-]|\.\w)",
        re.IGNORECASE,
    ),
    re.compile(rf"\bretrieval (?:test|check|eval\w*|quality|score\w*) (?:for|of|on) (?:the )?{_NAME}(?=\s*(?:[,;:.!?]|$))", re.IGNORECASE),
    re.compile(rf"\banswer (?:it |this |that )?from {_NAME}(?=\s*(?:[,;.!?]|$))", re.IGNORECASE),
    re.compile(
        rf"[\"”»]\s*,?\s*(?:in|from|aus|im|en|dans|nel|em|uit) (?!{_LANGUAGES}){_NAME}(?=\s*(?:[,;.!?]|$))",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:passages?|snippets?|excerpts?|hits|paragraphs?)\b[^.;?!]{0,60} from (?P<name>[a-z]+(?:-[a-z]+)+)(?=\s*(?:[,;.!?]|$))",
        re.IGNORECASE,
    ),
    re.compile(rf"(?:^|[.,;(]\s+)name\s*[:=]\s*{_NAME}(?=\s*(?:[,;.)]|$))", re.IGNORECASE),
    re.compile(rf"(?:^|[\s(]){_NAME}(?:-| {{1,2}})(?:search )?(?:index|indice|índice)(?!\w)", re.IGNORECASE),
    re.compile(
        rf"\b(?:call|name|nenn|nenne|label|tag|title)\s+(?:it|this|that|the index|den index|ihn|es)\s+(?:as\s+)?{_NAME}", re.IGNORECASE
    ),
    re.compile(
        rf"\b(?:ind(?:ex|ice)\w*|índice)\s+(?:que se llam[ae]|qui s['’]appelle|che si chiam[ai]|que se cham[ae]|which is|that is)\s+"
        rf"(?:called |named )?{_NAME}(?![\w/*-]|\.\w)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:under|with|unter|bajo|con|sous|avec|sotto|sob|com|onder|met|as|als|pod|med|под)\s+(?:the|a|dem|den|el|la|le|il|o|de)?\s*"
        rf"(?:name|namen|nombre|nom|nome|naam|nazwą|názvem|namnet|navnet|имен\w+|названием)\s+(?:of\s+)?{_NAME}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:re-?)?ind(?:ex|iz|ic)\w*\b(?:[^.;:?!]|\.(?=\w)){{0,80}}?\b(?:as|als|into|to|in|under|como|comme|come)\s+{_NAME}\s*(?:$"
        rf"|[.,;:!?&+]|\band\b|\bthen\b|\bund\b)",
        re.IGNORECASE,
    ),
)
_SMALL = """
a an the this that my our your its it them all some any new old same search with from of for and or in on to into by as at is are
was be called named name what which who where when how everything folder folders document documents docs file files pdf pdfs text
that's see query ask build make check open read create find look inside through using existing indexed whose hit hits das der die
den dem des ein eine und im mit el la los las un una y en con le les de du et dans il lo gli e i o os um uma na no het een here
there please again now first then so index indices full vector dense lexical hybrid semantic keyword bigger whole words each both every
one use under up me us if only do does can could will should nach alles über about over answer total parallel advance whether why
may must wie ob re pre auto you we they he she him her mine yours someone anyone somebody just also not never would might shall
let own show tell give find list come comes came had has have misses miss returns return brings bring gets get gives answers works needs
takes looks feels seems contains holds lacks knows said says goes went got que che der qui qu which ist hat soll kann wird esta está es
hay tiene sobre contiene av af fra från van uit med over för til till på
whichever whatever say right best matching fitting correct proper heißt heisst fine
okay ok suits suit fits fit mon ma mes notre nos ton ta tes votre mi mis nuestro nuestra tu tus su mio mia nostro meu minha nosso mein meine
meinem meinen unser unserem unseren mijn onze min mitt mit vores vår vårt mój nasz
evaluate measure eval compare test benchmark itself alone anyway somewhere
finds fails doesn't don't isn't actually really ever often still already always usually sometimes
"""
_NO_NAMES = frozenset(_SMALL.split())
_IDENTIFIER = re.compile(
    r"(?<![\w./:-])(?!(?:r|a|bs|pp|tg|x|c|n)\d+\b|lr\d|e2e\b)(?=[\w-]*[a-z])(?=[\w-]*[\d_])[a-z][\w-]{2,40}(?![\w/-]|\.\w)", re.IGNORECASE
)
_A_MODEL = re.compile(r"[-_](?:q?lora|dora|adapter|model|gguf|hf|sft|tuned)$", re.IGNORECASE)
"""Ends the name of a model, of which no index is made."""
_FOLDER = (
    r"(?:folder(?:u|ze)?|directory|ordner|verzeichnis|carpeta|directorio|dossier|répertoire|cartella|pasta|map(?:pen?)?|katalog(?:u|en)?"
    r"|slož\w{2})"
)
_OF_A_GROUP = re.compile(r"\b(?:groups?|gruppen?|grupos?|groupes?|grupp[oi]|groep(?:en)?|teams?)\s+[\"'“]?$", re.IGNORECASE)
_PHRASE = re.compile(r"\"[^\"\s]*(?: [^\"\s]+)+\"|“[^”\s]*(?: [^”\s]+)+”|„[^“”\s]*(?: [^“”\s]+)+[“”]|«[^»]* [^»]*»")
"""Several words in quotes: a part number in them is no index."""
_ENDS = r"\s*(?:$|[.,;!?]|\band\b|\bthen\b|\bplease\b|\bthanks\b)"
_OUTPUT_NAME = re.compile(
    r"\b(?:sav|stor|writ|put|output|nam|call|dump|keep|speicher|gu[aá]rda|enregistr|salv|opsla)\w*\b[^.;:?!]{0,40}?\b(?:to|in"
    r"|into|as|under|at|folder|it|als|unter|como|en|sous|come|dans|nella|na(?=\s+pasta)|naar|ins)\s+"
    rf"(?:(?:(?:the|a|la|el|le|il|lo|o|um|uma|den|dem|een|de|un|una|une)\s+)?{_FOLDER}\s+)?(?:(?:called|named|namens|genannt|llamad[ao]|nommé|chiamat[ao]|chamad[ao])\s+)?"
    rf"{_NAME}{_ENDS}",
    re.IGNORECASE,
)
_OUTPUT_NAMES = (
    _OUTPUT_NAME,
    re.compile(
        rf"\bresults?\b(?: \w+){{0,2}} (?:in|into|to) (?:(?:the|a|my|our) )?{_FOLDER}\s+(?:(?:called|named) )?{_NAME}{_ENDS}", re.IGNORECASE
    ),
    re.compile(rf"\binto (?:the|a) {_FOLDER}\s+(?:(?:called|named) )?{_NAME}(?![\w/-]|\.\w)", re.IGNORECASE),
    re.compile(rf"\b(?:goes|go|belongs?) (?:to|in|into) (?:the|a) {_FOLDER}\s+(?:(?:called|named) )?{_NAME}{_ENDS}", re.IGNORECASE),
    re.compile(
        rf"\bresults? (?:belongs?|goes|go|should (?:be|go|end up)|comes?|lands?) (?:in|into|to|under) (?:(?:the"
        rf"|a) )?(?:{_FOLDER}\s+)?{_NAME}{_ENDS}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:into|to|as) (?:a|an|one)\b[^.;:?!]{{0,40}}?\b{_FOLDER}\b[^.;:?!]{{0,20}}?,? (?:called|named|namens) {_NAME}{_ENDS}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:drop|put|place|save|leave|stick|chuck) (?:it|them|'?em|both|all|(?:the|both|all) (?:files?|results?|models?))"
        rf" (?:in|into|under) (?:(?:a|the|my) )?{_FOLDER}\s+(?:(?:called|named) )?{_NAME}{_ENDS}",
        re.IGNORECASE,
    ),
    re.compile(  # Slavic and Scandinavian, whose small words mean other things in English
        r"\b(?:zapis|wrzu|ulož|spara\b|lagre\b|gem (?:den|det|modellen|resultatet)\b)\w*[^.;:?!]{0,40}?\b(?:do|w|jako|v|i|som)\s+"
        rf"(?:{_FOLDER}\s+)?{_NAME}{_ENDS}",
        re.IGNORECASE,
    ),
    re.compile(  # whatever follows: the word for a folder says what the name is
        r"\b(?:mett|pon|guard|salv|gu[aá]rd|dej|enregistr|mets|legg|leg|zet|speicher|lagr|spar|put|sav|stor|writ|leav|deliver)\w*\b[^.;:?!]{0,40}?\b(?:nella|in|en|dans"
        rf"|na|i|till|into|to)\s+(?:(?:la|le|el|den|das|de|het|the|an?|una|um|uma)\s+)?{_FOLDER}\s+(?!(?:of|with|that|where|for|di|de|von|mit|con"
        rf"|avec|como|as)\b){_NAME}(?![\w/-]|\.\w)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:under|unter|con|sous|avec|col|com|onder|met) (?:the |el |le |il |o |de |dem )?(?:name|namen|nombre"
        rf"|nom|nome|naam)\s+(?:of\s+)?"
        rf"{_NAME}{_ENDS}",
        re.IGNORECASE,
    ),
)


_SERVED_NAME = r"[\"'`]?(?P<name>(?=[\w.:/-]*[\d-])(?![\w.:/-]*\.(?:gguf|jsonl?|csv|txt|parquet|md)\b)[A-Za-z][\w.:/-]*\w)[\"'`]?"
_SERVED_BEHIND = re.compile(
    rf"[^.?!;\n]{{0,60}}?\b(?:"
    rf"(?:model|modell|modelo|modèle|modello)(?: name| id|name)?(?: [^\W\d]+){{0,3}}?(?: (?:is|ist|es|est|è|heißt|called|named|se llama"
    rf"|s'appelle|si chiama|heet)|\s?[=:])?"
    rf"|(?:serv\w+|listed|registered|known|expose\w*|deployed|host\w*|offer\w*|läuft|runs?)(?: [^\W\d]+){{0,3}}? (?:as|als|como|comme"
    rf"|come|under)"
    rf"|(?:(?:which|that|it|and) )?(?:serves|hosts|serving|hosting|runs|running|provides)"
    rf"|(?:is |it's |its |it )?(?:called|named)"
    rf")(?: (?:served as|called|named|there))* {_SERVED_NAME}(?![\w/])",
    re.IGNORECASE,
)
_SERVED_PLAIN = re.compile(
    r"[^.?!;\n]{0,60}?\bmodel(?:'s|’s)? (?:name|id)(?: there)?(?: is|:| ?=)?"
    r" [\"'`]?(?P<name>[A-Za-z][\w.:/-]*\w)[\"'`]?(?=\s*(?:[.,;)!?]|$))",
    re.IGNORECASE,
)
""" "model name tellerbot": a plain word, where it is said to be the name."""
_SERVED_BEFORE = re.compile(
    rf"(?<![\w./-]){_SERVED_NAME}(?: (?:which|that))?(?: (?:is|was|runs?|running|served|hosted|deployed|available|live|läuft|corre"
    rf"|tourne|gira))+"
    r"(?: [^\W\d]+){0,2} $",
    re.IGNORECASE,
)


def with_served_names(found: Sequence[Candidate], text: str) -> list[Candidate]:
    """An endpoint with the name that its model is served under, as one: "http://host/v1, the model is served as qwen3-8b".

    The name is no model of its own. With other things between the two, or with a name already, the endpoint stays as it is.
    """
    bare = [c for c in found if str(c.value).startswith("openai:http") and "#" not in str(c.value)]
    if len(bare) != 1:
        return list(found)
    url = bare[0]
    said = _SERVED_BEHIND.match(text, url.end) or _SERVED_PLAIN.match(text, url.end) or _SERVED_BEFORE.search(text[: url.start])
    if said is None or said["name"].lower() in _NO_NAMES:
        return list(found)
    start, end = min(url.start, said.start("name")), max(url.end, said.end("name"))
    inside = [c for c in found if c is not url and start < c.end and c.start < end]
    if any(c.kind != "model" and c.start != said.start("name") for c in inside):
        return list(found)
    joined = Candidate("model", f"{url.value}#{said['name']}", start, end, text[start:end])
    return sorted([joined, *(c for c in found if c is not url and c not in inside)], key=lambda c: c.start)


def find_gpus(text: str) -> list[Candidate]:
    return [Candidate("gpu", _one_card(m.group(1)), m.start(1), m.end(1), m.group(1)) for m in _GPU.finditer(text)]


def _one_card(said: str) -> str:
    """ "two H100s" are of the kind H100; an L40S is a card of its own."""
    return said if said.lower() == "l40s" else re.sub(r"(?<=\d)s$", "", said)


def find_families(text: str) -> list[Candidate]:
    """Models by the name that the field uses (phi-3-mini, Llama 3 8B): nothing on this disk, but a shape is known."""
    return [Candidate("model", m.group(), m.start(), m.end(), m.group()) for m in _FAMILY.finditer(text)]


def find_indexes(text: str, known: Sequence[str] = ()) -> list[Candidate]:
    found = {}
    spoken: list[tuple[int, int]] = []
    for pattern in _INDEX:
        for match in pattern.finditer(text):
            taken = any(match.start() < end and start < match.end() for start, end in spoken)
            group = "held" if match.groupdict().get("held") else "name"
            if match.group(group).lower() not in _NO_NAMES and not taken:
                found[match.start(group)] = match.group(group)
                spoken.append(match.span())
    for name in known:
        for match in re.finditer(rf"(?<![\w/.-]){re.escape(name)}(?![\w/-])", text):
            found[match.start()] = name
    for match in _IDENTIFIER.finditer(text) if not found else ():
        if _A_MODEL.search(match.group()):
            continue
        if _OF_A_GROUP.search(text[: match.start()]) or any(
            q.start() < match.start() and match.end() < q.end() for q in _PHRASE.finditer(text)
        ):
            continue
        found.setdefault(match.start(), match.group())
    return [Candidate("index", name, start, start + len(name), name) for start, name in sorted(found.items())]


_HOW = frozenset(["small", "short", "simple", "tidy", "clean", "cheap", "light", "low", "tiny", "quick", "safe", "private"])
""" "keep it small": no name, unless a word for a folder stands before it."""
_A_FOLDER = re.compile(rf"\b(?:{_FOLDER}|called|named|as|name)\s+[\"'`]?$", re.IGNORECASE)


def find_output_names(text: str) -> list[Candidate]:
    """A bare word that something is to be saved as."""
    found = [(m.start("name"), m.group("name")) for pattern in _OUTPUT_NAMES for m in pattern.finditer(text)]
    return [
        Candidate("output", name, start, start + len(name), name)
        for start, name in found
        if name.lower() not in _NO_NAMES and not name.isdigit() and (name.lower() not in _HOW or _A_FOLDER.search(text[:start]))
    ]

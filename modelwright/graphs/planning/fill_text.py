"""The words of the request that are a question or a search query, cut out by code: what is quoted, what follows "tell me",
what begins with a question word, or else what is left when the command and the place are taken away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from modelwright.graphs.planning import phrases
from modelwright.graphs.planning.candidate import Candidate
from modelwright.graphs.planning.lexicon import lexicon
from modelwright.graphs.planning.numbers import find_numbers

PLACES = frozenset({"folder", "glob", "file", "dataset", "index", "model", "missing"})
QUOTED = re.compile(r"[\"“”«„](?P<a>[^\"”»“]{3,})[\"”»“]|(?<![\w])['‘](?P<b>[^'’]{3,}(?:['’]\w[^'’]*)*)['’](?!\w)")
QUESTION = (
    r"(?:what(?:'?s| is| are)?|which|who(?:se|m)?|when|where|why|how|whether|if|does|do|did|is|are|can|may|must|was|were|"
    r"was|welche[rsnm]?|wer|wann|wo|warum|wie|ob|wieviel\w*|qué|cuál\w*|quién\w*|cuándo|cuánt\w+|dónde|cómo|por qué|quel\w*|qui|quand|où|"
    r"combien|pourquoi|comment|que|qu'\w+|qual\w*|chi|quando|dove|perché|come|quant[oiae]\w*|cosa|quem|onde|quais|hoeveel|wie"
    r"|wat|welke?|waar|wanneer|"
    r"hoe|jak[iae]?|kto|kiedy|gdzie|как\w*|кто|когда|где|сколько)"
)
_LEAD = re.compile(
    r"(?:\b(?:and |und |et |y |e |then |dann |please )?(?:tell (?:me|us)|let (?:me|us) know|i(?:'d| would)? (?:want|like|need)(?: to)? know"
    r"|find out|figure out|look up|(?<!the )(?<!an )(?<!its )answer(?: me)?(?: (?:this|that|one|a|my|another)(?: (?:one|more|single|last"
    r"|question))*)?(?: for me)?(?: (?:from|with|by) (?:it|that|there))?|"
    r"explain to me|i wonder|question|my question is|i need to know|wondering|want to know|(?<!\bi )(?<!\bwe )(?<!\byou )know|check"
    r"|say(?=\s*[:,]"
    r"| (?:what|which|who|when|where|why|how|whether|if)\b)|"
    r"sag(?:e|t)? mir|beantworte|sagt? uns|erzähl\w* mir|verrat\w* mir|antworte|dime|dígame|dinos|responde|dis-moi"
    r"|dites-moi|dis-nous|réponds|dimmi|mi dica|dicci|rispondi"
    r"|di[gz]a?-(?:me|nos)|me diga|responda|zeg(?: me| mij)?|vertel(?: me)?|beantwoord|odpowiedz|powiedz(?: mi)?|скажи(?: мне)?)"
    r"(?:\s*,)?(?:\s+(?:dann|then|danach|me|mir))?\s*[:\-]?\s+)"
    r"(?:(?:from|in|using|with|out of|based on|according to|aus|im|en|dans|da|em) (?:[^\s,;:.?!]+ ){0,4}?"
    rf"(?:index|documents?|docs|folder|files?|notes|[íi]ndice|ordner|dokument\w*)(?: [\w-]+)? (?={QUESTION}\b))?(?P<text>.+)",
    re.IGNORECASE | re.DOTALL,
)
_ABOUT = re.compile(
    r"\b(?:se?a?e?rch(?:ing)?|look(?:ing)?|look-?up|hunt|such\w*|busca\w*|cherche\w*|cerca\w*|procur\w*|zoek|query|grep|find|finde|show|get"
    r"|give|fetch|list|pull|trouv\w*|trova\w*|encuentr\w*|znajdź|найди|zeig\w*|muestr\w*|mu[eé]stra\w*|montr\w*"
    r"|mostr\w*|(?:text)?stellen?|treffer|passagen|absätze|abschnitte|extraits?|pasajes?|fragmentos?|passaggi|brani|trechos?|stukken"
    r"|fragmenten|everything|anything|passages?|chunks?|paragraphs?|sections?|afsnit\w*|avsnitt\w*|steder|ställen?|stycken"
    r"|mentions?|hits?|places|snippets?)\b"
    r"[^.?!:;]*?(?:\bfor\b|\babout\b|\bon\b|\bmentioning\b"
    r"|\bthat (?:best |most |really |actually )?(?:mention|talk about|say|describe|deal with"
    r"|fit|match|cover|discuss|concern|suit)s?\b|\bwhere\b(?! (?:the |its |their )?(?:paths?|file ?names?|folders?|groups?)\b)"
    r"|\b(?:der|som) (?:handler|handlar|omhandler|taler|talar|snakker) om\b|\bque (?:hablan|tratan) d(?:e"
    r"|el)\b|\b(?:che parlano|que falam) d\w+\b|\bnach\b|\bzum thema\b|\bzu[rm]?\b|\büber\b|\bsobre\b"
    r"|\bsur\b|\bacerca de\b"
    r"|\bqui parlent d(?:e|u|es)\b|\bpor\b(?! (?:palavras?|palabras?|significado|sentido|favor|meio))|\bsu(?:l|lla|llo|i|lle"
    r"|ll['’])?(?=\s)|\bnaar\b|\bover\b|\bo\b|:)\s+(?P<text>.+)",
    re.IGNORECASE | re.DOTALL,
)
_BARE = re.compile(
    r"\b(?:search|grep|suche|busca|cherche|cerca|zoek|szukaj)\s+(?!(?:in|the|for|it|them|with|by|on|my|our|this|that|index\w*|mode|lexical|hybrid|dense)\b)"
    r"(?P<text>[\w.()-]+)(?=\s*(?:[,;]|\.?\s*$))",
    re.IGNORECASE,
)
""" "then search strcpy, top 20"."""
_ASKED = re.compile(
    r"\b(?:ask(?:s|ed|ing)?|frag(?:e|t)?|pregunt\w+|demande[rz]?|chied\w+|pergunt\w+|vraag)\b[^.?!:;]{0,60}?"
    rf"(?<![\w-])(?P<text>{QUESTION}\b(?![-/]).+)",
    re.IGNORECASE | re.DOTALL,
)
""" "ask index hr whether …"."""
_VERB_LAST = re.compile(
    r"(?:^|[\s、,。，])(?P<text>[^\s、,。，]*[\u3040-\u9fff\uac00-\ud7af][^、,。，]*?)(?:を|을|를)?\s*\b(?:search|answer)\b"
)
"""Japanese and Korean, whose verbs were read in English: "有給休暇の箇所を search"."""
_PARTICLE = re.compile(r"(?:에서|から|にある)\s*")
_MENTIONED = re.compile(
    r"\b(?:is|are|was|were) (?P<text>[^?.!]{3,80}?) (?:mentioned|described|discussed|talked about|explained|covered|named)\b", re.IGNORECASE
)
_WHERE = re.compile(
    r"\bwhere (?:do|does|did) (?:[\w'’-]+ ){1,7}?(?:mention|talk about|speak of|discuss|say (?:anything |something )?about|cover"
    r"|deal with)s? "
    r"(?P<text>[^?.!]+)"
    r"|\bwo (?:steht|stehen|findet sich)(?: [\w\"'-]+){0,5}? (?:etwas |was )?(?:zu[rm]?|über) (?P<de>[^?.!]+)"
    r"|\bdónde (?:se (?:menciona|habla de)|aparece)n? (?P<es>[^?.!]+)",
    re.IGNORECASE,
)
""" "where do the rules mention pencils?"."""
_COLON = re.compile(r":\s+(?P<text>[^:\n]{4,})$|(?:^|\n)\s*[qQ]:\s*(?P<q>.+)", re.DOTALL)
_START = re.compile(
    rf"(?:^|[,;:.!]\s*|\b(?:and|then|und|et|y|e|en|afterwards?|finally|lastly|btw|danach|dann|anschließend|luego"
    rf"|después|ensuite|puis|poi|daarna)\s+|\n)(?P<text>{QUESTION}\b.+)",
    re.IGNORECASE | re.DOTALL,
)
_ENDS = re.compile(
    r"[.!]\s+(?=[A-ZÄÖÜ])|(?<=[a-z]{3})(?<!approx)(?<!dept)(?<!etc)(?<!incl)[.!]\s+(?=[a-z])|(?<=[A-Z]{3})[.!]\s+(?=[a-z])|\n|(?<=\?)\s|;\s"
    r"|,?\s+(?:and )?(?:then|after (?:that|this)|afterwards|finally|lastly),? (?:please )?"
    r"(?=answer|tell|say|summar|explain|show|give|list|find|search|look|measure|check|compare)"
    r"|,?\s+(?:and|und|y|et|e|en) (?:please )?(?:answer|antworte|responde|réponds|rispondi|antwoord) (?=in |with |only |mit |en |con "
    r"|avec |met )"
)
_FROM = re.compile(r"(?:from|using|based on|with|as|in|out of|aus|als|en|dans|da|como)\b[^:?]{0,120}:\s+", re.IGNORECASE)
_IN_PLACE = (
    r"(?:\s*[,(]?\s*\b(?:(?:nell|dall|dell|all)['’]ind(?:ex|ice)|in|from|inside|under|within|according to|using|with|out of|based on|of"
    r"|on|through|en|dans|im|in der"
    r"|aus|nel|nella|no|na|em|uit|at)\b"
    r"(?:\s+[ld]['’](?:ind(?:ex|ice)|índice))?"
    r"(?:\s+(?:the|my|our|all|those|these|dem|den|der|die|das|el|la|los|le|les|il|o|a|het|de|index|indice|índice|folder|directory|ordner"
    r"|file|documents?|docs|everything))*\s*$)"
)
_TAIL = re.compile(
    r"[\s,;，]*(?:\b(?:in (?:it|there)|please|thanks|thank you|thx|pls|plz|bitte|danke|por favor|s'il te plaît|per favore|asap"
    r"|with (?:citations?|sources?|references?|quotes?)|"
    r"(?:and )?cite (?:it|sources|the sources?|your sources?)|(?:give|show)(?: me)?\s+(?:the )?(?:top|best|\d+).*"
    r"|top[- ]?k?\s*=?\s*\w+(?: \w+)?|mode\s*[=:]?\s*\w+|modo \w+|using (?:bm25|hybrid|dense|semantic\w*)\b.*|"
    r"(?:in|from|across|inside|within|among) (?:my|our|the|all|those|these)(?: own)? (?:documents?|docs|files?|notes|papers|pdfs?"
    r"|collection|knowledge base)|"
    r"(?:only )?by (?:the )?(?:words?|keywords?|meaning|sense)(?: only| alone)?|"
    r"(?:no|without|not) (?:by )?(?:embeddings?|vectors?|meaning)|"
    r"(?:in )?(?:lexical|dense|hybrid|keyword|semantic|bm25)(?: mode| search|ly)?(?: please)?|first \w+ (?:hits|passages"
    r"|results)|\w+ (?:suffisent|bastan|reichen|genügen|bastano|chegam|suffice|are enough|will do|is enough)"
    r"|\w+ (?:hits|passages|results|matches)(?: (?:max|at most))?))[\s.!,)]*$",
    re.IGNORECASE,
)


_ASKS = re.compile(rf"¿?{QUESTION}\b", re.IGNORECASE)
_OF_WHAT = rf"(?!(?:if|whether|can|may|is|are|does|do|did|was|were|must|que|come|como|qui|si|chi|ob)\b){QUESTION}\b"
"""Words that ask what, who, when, how: not those that also begin a condition or a command."""
_HOLDS_A_QUESTION = re.compile(rf"\?|:\s|\b{_OF_WHAT}", re.IGNORECASE)
_OPENS = re.compile(rf"¿?{_OF_WHAT}", re.IGNORECASE)
_START_OF_COMMAND = re.compile(r"(?:and|but|then|for|with|using|top|please|to|into|as|by)\b|\d", re.IGNORECASE)
_MARKED = re.compile(r"[^.!?؟？\n]+[?؟？]")
_HOW_TOLD = re.compile(
    r"only|just|mine|from|einem|einen|zwei|drei|satz|sätzen|una?|dos|tres|frases?|deux|une|phrases?|due|frasi|lieber|kurz|bitte"
    r"|(?:some|any)(?:thing|one)|stuff|things?|questions?|sentences?|words?|most|least|two|three|four|five|one|short|long|answers?|quotes?"
    r"|sources?|citations?|briefly|in|with|and|the|an|of|for|to|at|up|me|us|it|this|that|please"
    r"|confidence|threshold|score|sure|strict|least|minimum|maximum|max|min|top|passages?|hits|results|chunks|read|words?|meaning|lexical|dense|hybrid|semantic"
    r"|solo|sólo|seulement|soltanto|apenas|alleen|en|un|una|otra|cosa|algo|etwas|quelque|chose|qualcosa|iets|noget|noe|något|coś|trozos?|fragmentos?|mejore?s?|pasajes?|extraits?|passaggi|brani|trechos?|stellen|treffer"
    r"|should|would|like|want|need|get|written|given|is|are|be|which|by|cited?|citations?|such|may|see|can|where|path|contains?|documentos|dokumente?n?|documenti|documenten|out|index|reader|groups?|him|her|them|only|files?|documents?|docs|pages?|pdfs?|markdown|html|settings|nothing|made|those|these|under|name|called|named"
)
"""Words that say nothing of what is asked."""
_COMMAND = re.compile(
    r"(?:kunt|kan|kun|können|könnten|kannst|könntest|pouvez|pourriez|peux|puedes|podrías|puede|podría|puoi|potresti|può|potrebbe"
    r"|podes|poderia|kunne)[ -](?:u|je|jij|sie|du|vous|tu|usted"
    r"|você|lei)\b|(?:puedes|podrías|puoi|potresti|podes) (?!ser\b)|"
    r"(?:y )?que (?:me|nos) (?:d[ée]s?|diga[s]?|muestre[s]?|enseñe[s]?|busque[s]?|encuentre[s]?)\b|"
    r"(?:can|could|would|will|can't|couldn't|won't) (?:you|u|we|i)(?: please| just| maybe| perhaps| now| also| get you to)* "
    r"(?:re-?)?(?:index|ingest|search|look|find|ask|answer|check|read|query|use|tell|show|give|go|help|do|build|make|run|set|try|open)\b",
    re.IGNORECASE,
)
""" "can you index them for me?" asks the assistant, not the documents."""
_IF_NOT_THERE = re.compile(
    r"(?:if|when) you(?:['’]re| are) (?:less than|not|below|under|un)[^?]*|(?:if|when|wenn|falls|si|se|als|om) (?:it|that|this"
    r"|the answer|there|es|das|no|ce|ça|non|não|dat|det)\b[^?]{0,40}\b(?:not"
    r"|isn['’]?t|nothing|nicht|no|pas|non|não|niet|inte|ikke)\b[^?]*",
    re.IGNORECASE,
)
""" "if it is not in there, say nothing": how to answer."""
_HOW_FIRST = re.compile(
    r"(?:from|out of|with|using|based on|only|in at most|aus|mit|nur|desde|con|sólo|solo|avec|seulement|com"
    r"|met)\b",
    re.IGNORECASE,
)
"""Begins the way in which a question is to be answered."""
_POINTS_BACK = re.compile(
    r"(?:it|this|that|them|these|es|das|lo|la|le|het|dat)(?:,| (?:from|with|using|by|out of|on the basis|based on|aus|mit|desde|con|avec"
    r"|dal|com|uit|met)\b)",
    re.IGNORECASE,
)
""" "answer it from the index hr": what is asked was said before."""
_THE_WORD = re.compile(
    r"(?:(?:the|das|la|le|el|il|lo|a|o|het|de) )?(?:(?:exact|very|literal|genaue|exacte|exacta|esatta|exata) (?:words?|phrase|term|string"
    r"|expression|name|wort|begriff|palabra|mot|parola|palavra|woord)|(?:word|string|wort|palabra|parola|palavra|woord))\s+"
    r"(?!(?:of|that|for|in|about|on|with|which|is|as|and|or|search|match\w*|by|from|de|di|du|del|en|im)\b)",
    re.IGNORECASE,
)
""" "the exact word nosocomial": that it is a word is no part of what is looked for."""
_SOMEBODY = (
    r"(?:(?:the|my|our|his|her|their|a|der|die|mein\w*|unser\w*|el|la|mi|le|mon|ma|notre|il|mio|o|a|meu"
    r"|minha) [\w-]+(?: (?-i:[A-Z])[\w-]+)?|I|we|you|he|she|they|ich|wir|er|sie|yo|él|ella|je|il|elle|io|lui|lei|ik|hij"
    r"|(?-i:[A-Z])[\w-]+(?: (?-i:[A-Z])[\w-]+)?(?: (?:and|und|y|et|e|en) I)?)"
)
_SAID_ELSEWHERE = re.compile(
    r"\b(?:(?:up)?on |about )?(?:(?:the|that|this) )?"
    r"(?:was|what|which|thing|questions?|stuff|one|passages?|paragraph|section|part|bit|point|page|clause|rule|lo que|ce que"
    r"|quello che|o que|wat|frage|stelle|pregunta"
    r"|domanda|pergunta|vraag)(?: \w+)?"
    rf" {_SOMEBODY}(?: (?:had|have|has|just|once|heute|gestern|früh|morgen|me|mir|dir))*"
    r" (?:wissen wollte\w*|gefragt ha\w+|wanted to know|wants to know|asked(?: you| u| me| us| for)?(?: about)?|mentioned"
    r"|was on ab(?:ou)?t|settled|told (?:you|me)"
    r"|pidió|preguntó|a demandée?|ha chiesto|vroeg|wilde weten)"
    r"(?: (?:this|last|yesterday|earlier|before|today|heute|gestern|ayer|hier|ieri|gisteren|morning|afternoon|evening|week|night|früh"
    r"|on|the|phone|lol|please|pls|thanks))*[\s.,!]*"
    r"|\b(?:the|that|this|those) (?:[\w-]+ )?(?:questions?|things?|one|point|matter)(?: that| which)?"
    rf" {_SOMEBODY} (?:(?:had|have|has|just|once) )?(?:had|has|have|sent|gave|showed|put to|raised|brought up|came up with|keeps? asking)"
    r"(?: (?:me|us|this|last|yesterday|earlier|before|today|morning|afternoon|evening|week|month|night|on|the|phone))*[\s.,!]*",
    re.IGNORECASE,
)
""" "what Mrs Petersen wanted to know this morning": it is not in the request."""
_THEIR_QUESTION = re.compile(
    rf"\b(?:her|his|their|my|our|ihre|seine|meine|unsere|ses|sa|leur|ma|notre|su|mi|la sua|mia|haar|zijn|mijn|hennes|hans|deres"
    rf"|deras) (?:question|fragen?|pregunta|domanda|vraag|fråga|spørsmål\w*|spørgsmål\w*)s?\b(?! (?:is|was|ist|war|es|est|è|är|er)\b)"
    rf"|\b(?:the|die|la|de|à la|alla|a la|essa|esta|esa|aquella|questa|quella|cette|diese|àquela|aquela|daquela) (?:questions?"
    rf"|fragen?|preguntas?|perguntas?|domanda|vraag) (?:of|from|by|von|vom|der|des|du|de la|del"
    rf"|de|della|dello|di|van|do|da) (?:{_SOMEBODY}|(?-i:[A-Z])\w+|[a-zé]+)"
    rf"|\b(?:the|that|those) questions? (?:that |which )?{_SOMEBODY} (?:had|has|raised|asked|sent|brought|wanted|put)\b"
    r"|\bwhat(?:ever)? (?:i|we|he|she|they) (?:asked|wanted to know)(?! (?:is|was)\b)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?\n](?=\s|$)")
COUNTS = ("top_k", "max_sentences")
"""Arguments that say how many passages or sentences are wanted."""
MOST_BEFORE_MODE = 2
"""Words of "exact words only" before those that name it."""
MOST_BEFORE_COUNT = 4
"""Words of "dame los 6 mejores pasajes" before its number."""
FEWEST_WORDS = 3
"""Of a sentence that stands behind the place where to look."""


def text_for(name: str, request: str, found: Sequence[Candidate], start: int = 0, end: int | None = None) -> Candidate | None:
    """The words of request[start:end] for the argument `name` (question or query), with their place."""
    part = request[start:end]
    places = [c for c in found if c.kind in PLACES]
    if name == "question" and _is_said_elsewhere(part):
        return None
    of_path = [(c.start, c.end) for c in phrases.captured("path", request, start, end)]
    for pattern in QUOTED.finditer(part):
        group = "a" if pattern.group("a") else "b"
        span = (start + pattern.start(group), start + pattern.end(group))
        if any(a <= span[0] and span[1] <= b + 1 for a, b in of_path):
            continue
        if not any(c.start < span[1] and span[0] < c.end and not _is_part(c, span) for c in places):
            return _cut(request, *span, [c for c in places if not _is_part(c, span)])
    elsewhere = [(start + said.start(), start + said.end()) for said in _SAID_ELSEWHERE.finditer(part)]
    patterns = (_WHERE, _MENTIONED, _ABOUT, _BARE, _LEAD, _COLON, _START) if name == "query" else (_LEAD, _COLON, _ASKED, _START, _ABOUT)
    for regex in patterns:
        for match in regex.finditer(part):
            group = next(g for g, text in match.groupdict().items() if text)
            lead = _THE_WORD.match(request, start + match.start(group)) if name == "query" else None
            text = _cut(request, lead.end() if lead else start + match.start(group), start + match.end(group), places)
            if name == "question" and text and _is_how(str(text.value)):
                continue
            if text and _says_something(_without_places(text, places)) and not any(a <= text.start and text.end <= b for a, b in elsewhere):
                text = _without_mark(text) if regex is _ABOUT and name == "query" else text
                outright = _asked_outright(request, start, start + len(part), places) if name == "question" else None
                return text if outright is None or _ASKS.match(str(text.value)) or "?" in str(text.value) else outright
    whole = (request, start, start + len(part), places)
    ways = (_by_its_mark, _behind_the_place) if name == "question" else (_behind_the_place, _by_its_mark)
    rest = (way(*whole) for way in (*ways, _before_its_verb))
    told = (text for text in rest if text and not (name == "question" and _is_how(str(text.value))))
    return next((text for text in told if not _COMMAND.match(str(text.value))), None)


def _is_how(text: str) -> bool:
    """ "answer from the hygiene index in two sentences"."""
    return _HOW_FIRST.match(text) is not None and not _HOLDS_A_QUESTION.search(text)


def _is_said_elsewhere(part: str) -> bool:
    """ "then answer her question": somebody's question that the request does not hold."""
    theirs = _THEIR_QUESTION.search(part)
    if theirs is None or QUOTED.search(part) or ":" in part[theirs.end() :]:
        return False
    stop = _SENTENCE_END.search(part, theirs.end())
    return stop is None or not _MARKED.search(part, stop.end())


def _without_mark(text: Candidate) -> Candidate:
    """ "could you show me what fits parental leave?": the mark belongs to the wish, unless the words are a question of their own."""
    value = str(text.value)
    if _ASKS.match(value) or not value.endswith("?"):
        return text
    return replace(text, value=value[:-1], text=value[:-1], end=text.end - 1)


def _asked_outright(request: str, start: int, end: int, places: Sequence[Candidate]) -> Candidate | None:
    """The first sentence with a question mark that begins as a question does: "does the lease allow it? (index: leases, all is there)"."""
    for marked in _MARKED.finditer(request, start, end):
        if begins := _START.search(marked.group()):
            text = _cut(request, marked.start() + begins.start("text"), marked.end(), places)
            if text and str(text.value).endswith("?") and _says_something(str(text.value)):
                return text
    return None


_REMARK = re.compile(
    r",\s+(?:and |but |so |as )?(?:I|we)(?:['’](?:ll|d|m|ve)| (?:will|would|only|just|want|need|don['’]t|do not|shall))\b[^?]*$",
    re.IGNORECASE,
)
""" "data retention, I'll read them myself": what the asker does with it is no part of what is looked for."""


def is_command(text: str) -> bool:
    return _COMMAND.match(text) is not None


def quotes(request: str) -> bool:
    return QUOTED.search(request) is not None


def opens_with_a_question(request: str) -> bool:
    """Whether a sentence is a question of what, who, how … to the documents: "wat staat er over reiskosten?"."""
    sentences = (said.group().strip() for said in _MARKED.finditer(request))
    return any(_OPENS.match(said) and not _COMMAND.match(said) for said in sentences)


def _before_its_verb(request: str, start: int, end: int, places: Sequence[Candidate]) -> Candidate | None:
    found = _VERB_LAST.search(request, start, end)
    lead = _PARTICLE.match(request, found.start("text")) if found else None
    return _cut(request, lead.end() if lead else found.start("text"), found.end("text"), places) if found else None


def _by_its_mark(request: str, start: int, end: int, places: Sequence[Candidate]) -> Candidate | None:
    """The sentence that ends with a question mark, in any script."""
    marked = _MARKED.search(request, start, end)
    return _cut(request, *marked.span(), places) if marked else None


def _is_part(place: Candidate, quote: tuple[int, int]) -> bool:
    """A name among the words of a quote ("LM317 thermal resistance") is no place."""
    return place.kind == "index" and quote[0] <= place.start and place.end <= quote[1] and place.end - place.start < quote[1] - quote[0] - 1


def _behind_the_place(request: str, start: int, end: int, places: Sequence[Candidate]) -> Candidate | None:
    """ "somewhere in the hr index a nurse talks about nights": what follows the place of the sentence, three words at least."""
    for place in places:
        named = re.match(r"\s+(?:index|folder|directory|documents?|docs|files?)\b[\s,:]*|[\s,:]+", request[place.end : end])
        if place.start >= start and named and re.search(_IN_PLACE, request[start : place.start].rstrip(), re.IGNORECASE):
            stop = re.compile(r"[.!?;](?:\s|$)").search(request, place.end + named.end(), end)
            text = _cut(request, place.end + named.end(), stop.start() if stop else end, [])
            if (
                text
                and len(_without_places(text, places).split()) >= FEWEST_WORDS
                and _says_something(_without_places(text, places))
                and not _START_OF_COMMAND.match(str(text.value))
            ):
                return text
    return None


def _says_something(text: str) -> bool:
    """Not "something", nor only how it is to be told ("in two sentences at most, with quotes"), nor a command ("can you search it")."""
    text = _without_settings(text)
    if _COMMAND.match(text) or _POINTS_BACK.match(text) or _IF_NOT_THERE.fullmatch(text):
        return False
    words, small = re.findall(r"[^\W\d_]{2,}", text.lower()), lexicon().words["function_words"]
    return bool(words) and (
        (text.rstrip().endswith("?") and len(words) > 1) or not all(_HOW_TOLD.fullmatch(word) or word in small for word in words)
    )


def _without_settings(text: str) -> str:
    """ "pdf documents only, the reader is in the groups partners and litigation": who asks and in what is nothing to find."""
    said = [c for name in ("groups", "path", "kinds") for c in phrases.captured(name, text)]
    said += [c for value in phrases.phrases().values.get("mode", ()) if (c := phrases.value("mode", value, text))]
    return re.sub("|".join(sorted({re.escape(c.text) for c in said}, key=len, reverse=True)) or r"\Z", " ", text)


def _without_places(text: Candidate, places: Sequence[Candidate]) -> str:
    inside = [c for c in places if text.start <= c.start and c.end <= text.end]
    return re.sub("|".join(re.escape(c.text) for c in inside) or r"\Z", " ", str(text.value))


def _without_mode(text: str) -> str:
    """ "parental leave, by meaning only, …": how to look is no part of what is looked for."""
    places = [said.start for mode in phrases.phrases().values["mode"] if (said := phrases.value("mode", mode, text))]
    commas = [(at, text.rfind(",", 0, at)) for at in sorted(places)]
    cut = next((text[:comma] for at, comma in commas if comma > 0 and len(text[comma + 1 : at].split()) <= MOST_BEFORE_MODE), text)
    return text if cut == text else _without_mode(cut)


def _without_count(text: str) -> str:
    """ "vacaciones, dame los 6 mejores pasajes": how many are wanted is no part of what is looked for."""
    for comma in re.finditer(r",(?=\s)", text):
        rest = range(comma.end(), len(text))
        counts = [n for n in find_numbers(text) if n.start in rest and any(phrases.shaped(f, text, n.start, n.end) for f in COUNTS)]
        if counts and len(re.findall(r"\w+", text[comma.end() : counts[0].start])) <= MOST_BEFORE_COUNT:
            return text[: comma.start()]
    return text


def _cut(request: str, start: int, end: int, places: Sequence[Candidate]) -> Candidate | None:
    """One sentence of it, without the place where to look and without courtesies, but for the question mark left as it is."""
    if before := _FROM.match(request, start, end):
        start = before.end()
    text = request[start:end]
    if stop := _ENDS.search(text, 3):
        text = text[: stop.start() + (0 if text[stop.start()] in "\n;" else 1)]
    text = _without_count(_without_mode(_REMARK.sub("", text)))
    for place in sorted(places, key=lambda c: -c.start):
        at = place.start - start
        if 0 <= at < len(text):
            before = re.search(_IN_PLACE, text[:at].rstrip("\"'`“( "), re.IGNORECASE)
            rest = text[at + len(place.text) :].strip(" \"'`”).?!,")
            if before and len(rest.split()) <= 2:
                text = text[: before.start()]
            elif at <= 3 and not before:
                text = text[at + len(place.text) :]
                start += at + len(place.text)
    text = _without_count(_without_mode(text))
    for _ in range(3):
        text = _TAIL.sub("", text)
    stripped = text.strip(" \t\n,;:.!\"'“”()-")
    if not stripped:
        return None
    start += text.index(stripped)
    if stripped.count("(") > stripped.count(")") and request[start + len(stripped) :][:1] == ")":
        stripped += ")"
    return Candidate("text", stripped, start, start + len(stripped), stripped)

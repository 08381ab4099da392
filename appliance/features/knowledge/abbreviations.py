"""What people who read figures say in short: a question that says `COGS` is for pages that say `cost of sales`.

General accounting vocabulary, written for this project. Expansions only add to a question, at a lower weight, so a term that
means something else does little harm.
"""

import re

EXPANSION_WEIGHT = 0.6

_ENGLISH = (
    (r"cogs|cost of goods sold", "cost of sales; cost of goods sold; cost of revenue"),
    (r"pp&e|ppne|pp&ne|ppe", "property, plant and equipment, net"),
    (r"capex|capital expenditures?", "capital expenditures; purchases of property, plant and equipment"),
    (r"d&a", "depreciation and amortization"),
    (r"ebitda", "operating income; depreciation and amortization"),
    (r"ebit", "operating income; earnings from operations"),
    (r"r&d", "research and development"),
    (r"sg&a", "selling, general and administrative expenses"),
    (r"eps", "earnings per share; diluted; basic"),
    (r"fcf|free cash flow", "net cash provided by operating activities; capital expenditures"),
    (r"dpo|days payable outstanding", "accounts payable; cost of sales; inventories"),
    (r"dso|days sales outstanding", "accounts receivable, net; revenue; net sales"),
    (r"dio|days inventory outstanding|inventory turnover", "inventories; cost of sales"),
    (r"cash conversion cycle|ccc", "accounts payable; accounts receivable; inventories; cost of sales"),
    (r"quick ratio|current ratio|working capital", "total current assets; total current liabilities; balance sheets"),
    (r"gross (?:profit|margins?)", "gross profit; cost of sales; revenue; statements of operations"),
    (r"operating (?:income|profit|margins?)", "operating income; income from operations; statements of operations"),
    (r"net (?:income|profit|margin|earnings)", "net income; net earnings; statements of income"),
    (r"revenues?|net sales", "net sales; total revenues; revenue; statements of earnings"),
    (r"total debt|long-term debt", "long-term debt; short-term debt; notes payable; borrowings"),
    (r"dividends?|payout ratio", "dividends paid; dividends declared; cash dividends per share"),
    (r"effective tax rate", "provision for income taxes; income before income taxes"),
    (r"return on assets|roa|return on equity|roe", "net income; total assets; total equity; balance sheets"),
    (r"fixed asset turnover|asset turnover", "total revenues; property, plant and equipment, net; total assets"),
    (r"interest coverage", "interest expense; operating income"),
    (r"p&l|income statement|profit (?:and|&) loss", "statements of income; statements of operations"),
    (r"balance sheet|statement of financial position", "balance sheets; statements of financial position"),
    (r"cash ?flow statement|statement of cash flows?", "statements of cash flows; operating activities"),
    (r"agm|annual general meeting", "annual meeting of shareholders; proposal; votes"),
    (r"ceo", "chief executive officer"),
    (r"cfo", "chief financial officer"),
    (r"hr", "human resources"),
    (r"vat", "value added tax"),
    (r"yoy", "year over year; compared with prior year"),
    (r"headcount", "employees; full-time"),
)
_FRENCH = (
    (r"ca", "chiffre d'affaires"),
    (r"bfr", "besoin en fonds de roulement"),
    (r"ebe", "excédent brut d'exploitation"),
    (r"caf", "capacité d'autofinancement"),
    (r"tva", "taxe sur la valeur ajoutée"),
    (r"r&d", "recherche et développement"),
    (r"rh", "ressources humaines"),
    (r"pdg", "président directeur général"),
    (r"daf", "directeur administratif et financier"),
    (r"ag", "assemblée générale"),
    (r"rtt", "réduction du temps de travail"),
    (r"cdi", "contrat à durée indéterminée"),
    (r"cdd", "contrat à durée déterminée"),
    (r"cv", "curriculum vitae"),
    (r"cni", "carte nationale d'identité"),
    (r"marge brute", "chiffre d'affaires; coût des ventes"),
    (r"rentabilité|résultat net|bénéfices?", "résultat net; compte de résultat"),
    (r"chiffre d['’]affaires", "ventes; produits; compte de résultat"),
    (r"dettes? financières?|endettement", "emprunts; dettes financières; bilan"),
)


def _compile(listed: tuple[tuple[str, str], ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(rf"(?<![\w&])(?:{said})(?![\w&])", re.IGNORECASE), meant) for said, meant in listed)


_KNOWN = {"en": _compile(_ENGLISH), "fr": _compile(_FRENCH)}


def expand(question: str, *, language: str) -> str:
    """List what the abbreviations and ratios of a question stand for; empty where there are none."""
    return "; ".join(meant for said, meant in _KNOWN.get(language, ()) if said.search(question))

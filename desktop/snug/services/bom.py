"""A model's card as a bill of materials: CycloneDX 1.6, JSON, with a model card of its own.

Source: the CycloneDX 1.6 JSON schema (bom-1.6.schema.json) and the SPDX licence list it names.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import uuid
from typing import Any, Final

from snug.domain.licence import Licence
from snug.domain.model_card import Ancestor, CardFile, ModelCard
from snug.domain.visible_text import visible, visible_line
from snug.services.card_words import acceptance_words, ancestor_words, template_sentence

HUB: Final = "https://huggingface.co"
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_HUB_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9._-]{1,96}")
# The Hub's identifiers that have one in the SPDX list; "gpl" and its like name no version.
_SAME: Final = (
    "Apache-2.0 MIT AFL-3.0 Artistic-2.0 BSL-1.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear "
    "ECL-2.0 ISC MS-PL NCSA PostgreSQL Zlib OFL-1.1 LPPL-1.3c CC0-1.0 Unlicense WTFPL "
    "CDLA-Permissive-1.0 CDLA-Permissive-2.0 CDLA-Sharing-1.0 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 "
    "CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0 "
    "CC-BY-ND-4.0 CC-BY-NC-ND-3.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-3.0 "
    "CC-BY-NC-SA-4.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 MPL-2.0 OSL-3.0"
)
_SPDX: Final = {name.lower(): name for name in _SAME.split()} | {
    "gpl-2.0": "GPL-2.0-only",
    "gpl-3.0": "GPL-3.0-only",
    "lgpl-2.1": "LGPL-2.1-only",
    "lgpl-3.0": "LGPL-3.0-only",
    "agpl-3.0": "AGPL-3.0-only",
    "lgpl-lr": "LGPLLR",
    "pddl": "PDDL-1.0",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-By-1.0",
    "etalab-2.0": "etalab-2.0",
}


def cyclonedx(card: ModelCard, version: str, time_ms: int) -> str:
    """The card as a CycloneDX document. The same card at the same time gives the same bytes."""
    component = _component(card)
    document: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": _serial(card),
        "version": 1,
        "metadata": {
            "timestamp": _timestamp(time_ms),
            "tools": {
                "components": [
                    {"type": "application", "name": "Snug", "version": visible_line(version, 40)}
                ]
            },
            "component": component,
        },
        "components": [
            *(_file(file, number) for number, file in enumerate(card.files)),
            *(_dataset(one.value, number) for number, one in enumerate(card.datasets)),
        ],
        "dependencies": [
            {
                "ref": "model",
                "dependsOn": [
                    *(f"file-{n}" for n in range(len(card.files))),
                    *(f"dataset-{n}" for n in range(len(card.datasets))),
                ],
            }
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def spdx_id(identifier: str) -> str:
    """The SPDX identifier of one of the Hub's; "" where it has none."""
    return _SPDX.get(identifier.lower(), "")


def _component(card: ModelCard) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": visible_line(card.title, 200) or "model",
    }
    if card.commit:
        found["version"] = visible_line(card.commit, 64)
    if card.authors:
        found["authors"] = [{"name": visible_line(one.value, 200)} for one in card.authors]
    alone = card.files[0] if len(card.files) == 1 else None
    if alone is not None and _SHA256.fullmatch(alone.sha256):
        found["hashes"] = _hashes(alone.sha256)
    found["licenses"] = _licences(card)
    if _HUB_NAME.fullmatch(card.repository):
        found["externalReferences"] = _references(card)
    found["pedigree"] = {
        "ancestors": [_ancestor(one, n) for n, one in enumerate(card.ancestors)],
        "notes": "; ".join(visible_line(ancestor_words(one), 300) for one in card.ancestors)
        or "No base model is stated.",
    }
    found["modelCard"] = _model_card(card)
    found["properties"] = _properties(card)
    return found


def _licences(card: ModelCard) -> list[dict[str, Any]]:
    return _licence(card.licence, "concluded" if card.licence.inherited_from else "declared")


def _licence(licence: Licence, how: str) -> list[dict[str, Any]]:
    known = spdx_id(licence.id)
    if known:
        return [{"license": {"id": known, "acknowledgement": how}}]
    name = visible_line(licence.name or licence.id, 200)
    if not name:
        return []
    return [{"license": {"name": name, "acknowledgement": how}}]


def _references(card: ModelCard) -> list[dict[str, Any]]:
    page = f"{HUB}/{card.repository}"
    found: list[dict[str, Any]] = [{"type": "website", "url": page}]
    if _COMMIT.fullmatch(card.commit):
        found.append({"type": "vcs", "url": f"{page}/tree/{card.commit}"})
    return found


def _ancestor(one: Ancestor, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"ancestor-{number}",
        "name": visible_line(one.repository, 200),
    }
    if one.commit:
        found["version"] = visible_line(one.commit, 64)
    if one.licence:
        known = spdx_id(one.licence)
        name = {"id": known} if known else {"name": visible_line(one.licence, 200)}
        found["licenses"] = [{"license": {**name, "acknowledgement": "declared"}}]
    if _HUB_NAME.fullmatch(one.repository):
        found["externalReferences"] = [{"type": "website", "url": f"{HUB}/{one.repository}"}]
    found["properties"] = [{"name": "snug:relation", "value": one.relation.value}]
    return found


def _model_card(card: ModelCard) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "architectureFamily": "transformer" if not card.architecture else card.architecture,
        "modelArchitecture": visible_line(card.architecture or "not known", 100),
    }
    parameters["architectureFamily"] = visible_line(parameters["architectureFamily"], 100)
    if card.tasks:
        parameters["task"] = visible_line(card.tasks[0], 100)
    if card.datasets:
        parameters["datasets"] = [{"ref": f"dataset-{n}"} for n in range(len(card.datasets))]
    limits = [visible_line(one.text, 600) for one in card.cautions]
    limits += [visible_line(one, 600) for one in card.gaps]
    found: dict[str, Any] = {"modelParameters": parameters}
    if card.results:
        found["quantitativeAnalysis"] = {
            "performanceMetrics": [
                {"type": visible_line(one.name, 200), "value": visible_line(one.score, 100)}
                for one in card.results
            ]
        }
    considerations: dict[str, Any] = {"technicalLimitations": limits} if limits else {}
    if card.licence.reason:
        considerations["ethicalConsiderations"] = [
            {"name": "Licence", "mitigationStrategy": visible_line(card.licence.reason, 600)}
        ]
    found["considerations"] = considerations
    return found


def _properties(card: ModelCard) -> list[dict[str, str]]:
    values = {
        "snug:quantization": card.quantization,
        "snug:parameter_count": str(card.parameter_count or ""),
        "snug:context_length": str(card.context_length or ""),
        "snug:languages": ", ".join(card.languages),
        "snug:licence_class": card.licence.licence_class.value,
        "snug:licence_from": card.licence_source,
        "snug:accepted": acceptance_words(card.acceptance) if card.acceptance is not None else "",
        "snug:chat_template_sha256": hashlib.sha256(
            card.template.encode("utf-8", "replace")
        ).hexdigest()
        if card.template
        else "",
        "snug:chat_template": template_sentence(card),
        "snug:source": card.source,
        "snug:runs_with": "llama.cpp",
    }
    found = [
        {"name": name, "value": visible_line(value, 600)} for name, value in values.items() if value
    ]
    for one in card.training:
        text = f"{one.source}, {one.heading}: {one.text}"
        found.append({"name": "snug:training", "value": visible(text)[:1500]})
    return found


def _file(file: CardFile, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "file",
        "bom-ref": f"file-{number}",
        "name": visible_line(file.name, 300) or "file",
    }
    if _SHA256.fullmatch(file.sha256):
        found["hashes"] = _hashes(file.sha256)
    found["properties"] = [{"name": "snug:size_bytes", "value": str(file.size_bytes)}]
    return found


def _dataset(name: str, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "data",
        "bom-ref": f"dataset-{number}",
        "name": visible_line(name, 200) or "dataset",
        "data": [{"type": "dataset", "name": visible_line(name, 200) or "dataset"}],
    }
    if _HUB_NAME.fullmatch(name):
        found["externalReferences"] = [{"type": "website", "url": f"{HUB}/datasets/{name}"}]
    return found


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]


def _serial(card: ModelCard) -> str:
    """A number that belongs to these files of this commit, and to nothing else."""
    named = "\n".join([card.title, card.repository, card.commit, *(f.sha256 for f in card.files)])
    digest = hashlib.sha256(named.encode("utf-8", "replace")).digest()
    return f"urn:uuid:{uuid.UUID(bytes=digest[:16], version=4)}"


def _timestamp(time_ms: int) -> str:
    found = datetime.datetime.fromtimestamp(time_ms / 1000, datetime.UTC)
    return found.isoformat(timespec="seconds").replace("+00:00", "Z")

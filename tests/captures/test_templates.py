from __future__ import annotations

import json
import re
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from captures.errors import ConfigError
from captures.model import Request, Response
from captures.routes.echoes import answer_of
from captures.routes.pathtree import MAX_CHILDREN
from captures.routes.templates import FEW, MANY, Templates, explicit_templates, looks_like_id, segments_of, singular
from tests.captures.making import JSON
from tests.corpus import each


def learnt(*paths: str, explicit: tuple[str, ...] = ()) -> Templates:
    return Templates.infer((("GET", path.encode()) for path in paths), explicit)


WORDS = [f"{a}{b}" for a in ("blue", "red", "old", "tall", "soft") for b in ("shirt", "hat", "shoe", "coat", "bag")]


@each(
    "segment",
    "1 42 -7 1.2.3 127.0.0.1 550e8400-e29b-41d4-a716-446655440000 550E8400-E29B-41D4-A716-446655440000 "
    "d41d8cd98f00b204e9800998ecf8427e 01ARZ3NDEKTSV4RRFFQ69G5FAV 507f1f77bcf86cd799439011 ord_8fk2 ORD-2026-0001 "
    "SKU-1001 cus_NffrFeUfNV2Hib pi_3MtwBwLkdIwHu7ix28a3tqPa V1StGXR8_Z5jdHi6B-myT dQw4w9WgXcQ a1b2c3d a@b.com "
    "a%40b.com 2024-01-31 2024-01 2024-01-31T10:00:00Z eyJhbGciOiJIUzI1NiJ9".split(),
)
def test_looks_like_an_id(segment: str) -> None:
    assert looks_like_id(segment)


@each(
    "segment",
    "me v1 v2.1 users step-2 oauth2 utf-8 blue-cotton-shirt internationalization internationalizations "
    "iphone-15-pro-max-256gb python3.11 http2 base64 s3 deadbeef facade basic-auth ipv4 md5sum forgot-password top10 "
    "requests-2.31.0-py3-none-any.whl x order_items API / +f".split(),
)
def test_does_not_look_like_an_id(segment: str) -> None:
    assert not looks_like_id(segment)


@each(
    ("target", "endpoint"),
    [
        (b"/", "GET /"),
        (b"/?a=1", "GET /"),
        (b"/orders/8412", "GET /orders/{id}"),
        (b"/orders/8412?expand=1", "GET /orders/{id}"),
        (b"/orders/8412/items/3", "GET /orders/{id}/items/{id}"),
        (b"/orders/8412/", "GET /orders/{id}/"),
        (b"/8412", "GET /8412"),
        (b"/users/me", "GET /users/me"),
        (b"/v1/orders/7", "GET /v1/orders/{id}"),
        (b"/api/v2/orders/7", "GET /api/v2/orders/{id}"),
        (b"/reports/77.pdf", "GET /reports/{id}.pdf"),
        (b"/a%2Fb/%20", "GET /a%2Fb/%20"),
        (b"http://shop/orders/7?x", "GET /orders/{id}"),
        (b"http://shop", "GET /"),
        (b"*", "GET *"),
        (b"/caf\xe9/1", "GET /caf\xe9/{id}"),
        (b"//double/1", "GET //double/{id}"),
        (b"", "GET /"),
    ],
)
def test_without_any_learning(target: bytes, endpoint: str) -> None:
    assert Templates().endpoint("GET", target) == endpoint


def test_many_words_below_a_plural_are_a_parameter() -> None:
    templates = learnt(*(f"/products/{word}/reviews" for word in WORDS[:FEW]), "/products/search")
    assert templates.endpoint("GET", b"/products/redhat/reviews") == "GET /products/{id}/reviews"
    assert templates.endpoint("GET", b"/products/never-seen/reviews") == "GET /products/{id}/reviews"
    assert templates.endpoint("GET", b"/products/search") == "GET /products/search"
    assert templates.endpoint("DELETE", b"/products/me") == "DELETE /products/me"


def test_few_words_are_fixed() -> None:
    templates = learnt(*(f"/products/{word}" for word in WORDS[: FEW - 1]))
    assert templates.endpoint("GET", b"/products/redhat") == "GET /products/redhat"


def test_below_a_singular_it_takes_more() -> None:
    assert (
        learnt(*(f"/x/tag/{word}" for word in WORDS[: MANY - 1])).endpoint("GET", b"/x/tag/redhat").endswith("redhat")
    )
    assert learnt(*(f"/x/tag/{word}" for word in WORDS[:MANY])).endpoint("GET", b"/x/tag/redhat") == "GET /x/tag/{id}"


def test_words_and_ids_in_one_place_are_one_parameter() -> None:
    templates = learnt(*(f"/products/{word}" for word in WORDS), "/products/7/reviews/3", "/products/redhat/reviews/4")
    assert templates.endpoint("GET", b"/products/7") == "GET /products/{id}"
    assert templates.endpoint("GET", b"/products/redhat/reviews/9") == "GET /products/{id}/reviews/{id}"


def test_collections_are_no_parameter() -> None:
    templates = learnt(*(f"/admins/{word}s" for word in WORDS), "/admins/redhats/42")
    assert templates.endpoint("GET", b"/admins/redhats") == "GET /admins/redhats"


def test_siblings_that_have_different_things_below_them_are_no_parameter() -> None:
    templates = learnt(*(f"/tools/{word}/{word}-{action}" for word in WORDS for action in ("run", "stop")))
    assert templates.endpoint("GET", b"/tools/redhat/redhat-run") == "GET /tools/redhat/redhat-run"


def test_the_first_segment_and_the_one_after_a_version_stay() -> None:
    assert learnt(*(f"/{word}" for word in WORDS)).endpoint("GET", b"/redhat") == "GET /redhat"
    assert learnt(*(f"/v1/{word}" for word in WORDS)).endpoint("GET", b"/v1/redhat") == "GET /v1/redhat"
    assert learnt(*(f"/api/v1/{word}" for word in WORDS)).endpoint("GET", b"/api/v1/redhat") == "GET /api/v1/redhat"


def test_given_templates_win_the_most_specific_first() -> None:
    templates = learnt(
        "/files/7",
        explicit=("/files/{path}/raw", "GET /files/{name}.{kind}", "/files/{name}", "PUT /{a}/{b}", "/files/special"),
    )
    for method, target, endpoint in [
        ("GET", b"/files/special", "GET /files/special"),
        ("GET", b"/files/7", "GET /files/{name}"),
        ("POST", b"/files/a.pdf", "POST /files/{name}"),
        ("GET", b"/files/x/raw?a", "GET /files/{path}/raw"),
        ("PUT", b"/some/thing", "PUT /{a}/{b}"),
        ("GET", b"/some/thing", "GET /some/thing"),
        ("GET", b"/files/", "GET /files/"),
    ]:
        assert templates.endpoint(method, target) == endpoint


def test_the_order_of_requests_does_not_matter() -> None:
    paths = ["/a/1/x", "/a/me", "/a/2/y", "/b"]
    everything = {learnt(*order).endpoint("GET", b"/a/3/x") for order in permutations(paths)}
    assert everything == {"GET /a/{id}/x"}


def test_a_flood_of_words_is_bounded_and_a_parameter() -> None:
    templates = learnt(
        *(
            f"/x/tag/word{'x' * (n % 7)}{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}"
            for n in range(5_000)
        )
    )
    assert len(templates.root.children["x"].children["tag"].children) == 0
    assert templates.endpoint("GET", b"/x/tag/anything") == "GET /x/tag/{id}"


@each(
    ("word", "one"),
    [("orders", "order"), ("categories", "category"), ("boxes", "box"), ("status", "status"), ("address", "address"),
     ("branches", "branch"), ("Users", "User"), ("news-items", "news-item"), ("sheep", "sheep")],
)  # fmt: skip
def test_singular(word: str, one: str) -> None:
    assert singular(word) == one


def answered(*known: tuple[str, object], paths: tuple[str, ...] = (), explicit: tuple[str, ...] = ()) -> Templates:
    """Templates learnt from ``paths`` and from requests with their JSON answers."""
    answers = [
        answer_of(segments_of(path.encode()), Response(200, JSON, json.dumps(document).encode()))
        for path, document in known
    ]
    targets = [*(path for path, _ in known), *paths]
    return Templates.infer((("GET", p.encode()) for p in targets), explicit, [one for one in answers if one])


@pytest.mark.parametrize(
    "segment", ["tmp-scenario-labels-20171019180107281", "backup_20240131", "red-shoes-1234567", "1,2,3", "52.5,-13.4"]
)
def test_numbered_slugs_look_like_ids(segment: str) -> None:
    assert looks_like_id(segment)


@pytest.mark.parametrize("segment", ["order_item2", "top_item10", "red-shoes-12", "8-red-shoes", "a,b"])
def test_numbered_words_do_not(segment: str) -> None:
    assert not looks_like_id(segment)


@pytest.mark.parametrize(
    ("target", "endpoint"),
    [
        (b"/Orders(42)/Lines('A-1')", "GET /Orders({id})/Lines({id})"),
        (b"/Details(order=1,line=2)", "GET /Details({id})"),
        (b"/x/count(all)", "GET /x/count(all)"),
        (b"/orders/42:cancel", "GET /orders/{id}:cancel"),
        (b"/550e8400-e29b-41d4-a716-446655440000/orders", "GET /{id}/orders"),
    ],
)
def test_keys_in_brackets_and_custom_verbs(target: bytes, endpoint: str) -> None:
    templates = Templates()
    assert templates.endpoint("GET", target) == endpoint
    assert Templates.infer([("GET", target)]).endpoint("GET", endpoint.partition(" ")[2].encode()) == endpoint


NAMES = ("acme", "globex", "initech")


def test_what_its_own_answer_names_is_a_parameter() -> None:
    templates = answered(*((f"/v1/x/{name}", {"data": {"slug": name}}) for name in NAMES))
    assert templates.endpoint("GET", b"/v1/x/unseen") == "GET /v1/x/{id}"
    (why,) = templates.evidence("GET /v1/x/{id}")
    assert (why.after, why.name, why.different, dict(why.formats)) == ("/v1/x", "{id}", 3, {"word": 3})
    assert why.ground == "3 of 3 words named by their own answers"
    assert why.samples == ("acme", "globex", "initech")


def test_what_the_collection_lists_is_a_parameter() -> None:
    listing = ("/labels", [{"name": name} for name in NAMES])
    assert (
        answered(listing, paths=("/labels/acme", "/labels/globex")).endpoint("GET", b"/labels/x") == "GET /labels/{id}"
    )
    assert answered(listing, paths=("/labels/acme",)).endpoint("GET", b"/labels/acme") == "GET /labels/acme"
    both = answered(listing, ("/labels/acme", {"name": "acme"}))
    assert both.endpoint("GET", b"/labels/acme") == "GET /labels/{id}"


def test_a_named_word_beside_ids_is_one_of_them() -> None:
    ids = tuple(f"/repos/org/{n}/refs" for n in range(3))
    assert answered(paths=(*ids, "/repos/org/hello")).endpoint("GET", b"/repos/org/hello") == "GET /repos/org/hello"
    named = answered(("/repos/org/hello", {"owner": {"login": "org"}, "name": "hello"}), paths=ids)
    assert named.endpoint("GET", b"/repos/org/hello/refs") == "GET /repos/org/{id}/refs"
    assert named.endpoint("GET", b"/repos/org/7") == "GET /repos/org/{id}"


@pytest.mark.parametrize(
    "known",
    [
        [("/org/onboardingStatus", {"onboardingStatus": "done"}), ("/org/billing", {"billing": {"id": 1}})],
        [(f"/reports/{word}", {"name": word}) for word in ("daily", "weekly", "monthly")],
        [(f"/admin/{word}", {"items": [{"name": "x"}]}) for word in NAMES],
        [("/orders/7", {"actions": [{"key": "ship"}, {"key": "hold"}]}), ("/orders/7/ship", 1), ("/orders/7/hold", 1)],
        [("/x", [{"name": "users"}, {"name": "shops"}]), ("/x/users/42", {"id": 42}), ("/x/shops/42", {"id": 42})],
        [(f"/orders/{word}", {"title": word.title()}) for word in ("overdue", "open", "blocked")],
        [("/v1", [{"name": name} for name in NAMES]), *((f"/v1/{name}", {"name": name}) for name in NAMES)],
    ],
)  # fmt: skip
def test_answers_that_prove_nothing(known: list[tuple[str, object]]) -> None:
    templates = answered(*known)
    for path, _ in known:
        target = path.replace("42", "{id}").replace("/7", "/{id}")
        assert templates.endpoint("GET", path.encode()) == f"GET {target}"


def test_a_word_that_its_answer_never_speaks_of_stays() -> None:
    templates = answered(*((f"/users/{n}", {"login": n}) for n in NAMES), ("/users/roles", [{"x": 1}]))
    assert templates.endpoint("GET", b"/users/roles") == "GET /users/roles"
    assert templates.endpoint("GET", b"/users/acme") == "GET /users/{id}"


def test_many_words_whose_answers_never_speak_of_them_stay() -> None:
    known = [(f"/things/{word}", {"items": [1]}) for word in WORDS[:FEW]]
    assert answered(*known).endpoint("GET", b"/things/redhat") == "GET /things/redhat"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/shop.Orders/{0}"),  # gRPC
        ("GET", "/rpcs/get{1}{1}"),  # names out of a program
        ("GET", "/settings/{0}"),
        ("POST", "/hooks/{0}"),
    ],
)
def test_names_of_a_program_are_no_parameter(method: str, path: str) -> None:
    paths = [path.format(word, word.title()) for word in WORDS[: FEW + 2]]
    templates = Templates.infer((method, one.encode()) for one in paths)
    assert templates.endpoint(method, paths[0].encode()) == f"{method} {paths[0]}"


def test_a_given_template_without_braces_keeps_the_word() -> None:
    templates = learnt(*(f"/products/{word}" for word in WORDS), explicit=("GET /products/redhat", "/orders/42"))
    assert templates.endpoint("GET", b"/products/redhat") == "GET /products/redhat"
    assert templates.endpoint("PUT", b"/products/redhat") == "PUT /products/{id}"
    assert templates.endpoint("GET", b"/orders/42") == "GET /orders/42"


def test_given_templates_are_evidence_and_are_checked() -> None:
    templates = learnt("/a/7", "/c/1/d", explicit=("/a/{x}", "/a/{y}", "GET /b/{x}", "/c/{x}/{y}", "/c/{x}/d"))
    assert [one.ground for one in templates.evidence("GET /a/{x}")] == ["given in retape.toml"]
    assert sorted(templates.complaints()) == [
        "[endpoints] '/a/{y}' means the same requests as '/a/{x}', which is used.",
        "[endpoints] '/c/{x}/{y}' fits no request here that no more specific template fits.",
        "[endpoints] 'GET /b/{x}' fits no request here that no more specific template fits.",
    ]


@each(
    "text",
    ["", "orders", "GET orders", "GET /a/{", "/a/{x}{y}", "/a/{}", "/a/{x y}", "/a?b={c}", "GET POST /a", "/a}b"],
)
def test_a_malformed_template_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(repr(text.strip() and text))):
        explicit_templates({"templates": ["/fine", text]})


def test_templates_must_be_a_list_of_texts() -> None:
    for wrong in ("GET /a", [1], {"a": 1}):
        with pytest.raises(ConfigError, match="must be a list of strings"):
            explicit_templates({"templates": wrong})


def test_the_operation_is_part_of_the_endpoint() -> None:
    request = Request("POST", "http", "shop", 80, b"/api/7", JSON, b'{"jsonrpc":"2.0","method":"eth_call"}')
    assert Templates().endpoint_of(request) == "POST /api/{id} eth_call"
    assert [one.name for one in Templates.infer([("POST", b"/api/7")]).evidence("POST /api/{id} eth_call")] == ["{id}"]
    given = Templates.infer((), ("/api/{node}",))
    assert given.endpoint_of(request) == "POST /api/{node} eth_call"


SEGMENTS = st.sampled_from(
    [*WORDS[:10], "me", "search", "7", "42", "v1", "api", "a1b2c3d", "x.pdf", "9.pdf", "{id}", ""]
)
PATHS = st.lists(st.lists(SEGMENTS, min_size=1, max_size=4).map(lambda segments: "/" + "/".join(segments)), max_size=40)


@given(PATHS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_no_order_no_repetition_no_form_of_an_endpoint_changes_it(paths: list[str], random: Random) -> None:
    templates = learnt(*paths)
    shuffled = paths * 2
    random.shuffle(shuffled)
    again = learnt(*shuffled)
    for path in paths:
        endpoint = templates.endpoint("GET", path.encode())
        assert again.endpoint("GET", path.encode()) == endpoint
        assert again.evidence(endpoint) == templates.evidence(endpoint)
        assert templates.endpoint("GET", endpoint[4:].encode()) == endpoint


@given(PATHS, PATHS)
@settings(max_examples=60, deadline=None)
def test_traffic_of_other_first_segments_is_nothing_to_an_endpoint(paths: list[str], others: list[str]) -> None:
    alone = learnt(*("/shop" + path for path in paths))
    among = learnt(*("/shop" + path for path in paths), *("/other" + path for path in others))
    for path in paths:
        assert alone.endpoint("GET", b"/shop" + path.encode()) == among.endpoint("GET", b"/shop" + path.encode())


@pytest.mark.slow
def test_a_full_place_keeps_the_same_words_in_any_order() -> None:
    words = [f"w{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}" for n in range(1_500)]
    paths = [f"/{word}/{'things' if n % 2 else 'parts'}/7" for n, word in enumerate(words)]
    one, other = learnt(*paths), learnt(*reversed(paths))
    assert one.root.children.keys() == other.root.children.keys()
    assert len(one.root.children) == MAX_CHILDREN

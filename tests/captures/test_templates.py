from __future__ import annotations

from itertools import permutations

import pytest

from captures.templates import FEW, MANY, Templates, looks_like_id, singular


def learnt(*paths: str, explicit: tuple[str, ...] = ()) -> Templates:
    return Templates.infer((("GET", path.encode()) for path in paths), explicit)


WORDS = [f"{a}{b}" for a in ("blue", "red", "old", "tall", "soft") for b in ("shirt", "hat", "shoe", "coat", "bag")]


@pytest.mark.parametrize(
    "segment",
    "1 42 -7 1.2.3 127.0.0.1 550e8400-e29b-41d4-a716-446655440000 550E8400-E29B-41D4-A716-446655440000 "
    "d41d8cd98f00b204e9800998ecf8427e 01ARZ3NDEKTSV4RRFFQ69G5FAV 507f1f77bcf86cd799439011 ord_8fk2 ORD-2026-0001 "
    "SKU-1001 cus_NffrFeUfNV2Hib pi_3MtwBwLkdIwHu7ix28a3tqPa V1StGXR8_Z5jdHi6B-myT dQw4w9WgXcQ a1b2c3d a@b.com "
    "a%40b.com 2024-01-31 2024-01 2024-01-31T10:00:00Z eyJhbGciOiJIUzI1NiJ9".split(),
)
def test_looks_like_an_id(segment: str) -> None:
    assert looks_like_id(segment)


@pytest.mark.parametrize(
    "segment",
    "me v1 v2.1 users step-2 oauth2 utf-8 blue-cotton-shirt internationalization internationalizations "
    "iphone-15-pro-max-256gb python3.11 http2 base64 s3 deadbeef facade basic-auth ipv4 md5sum forgot-password top10 "
    "requests-2.31.0-py3-none-any.whl x order_items API / +f".split(),
)
def test_does_not_look_like_an_id(segment: str) -> None:
    assert not looks_like_id(segment)


@pytest.mark.parametrize(
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


def test_many_words_below_a_plural_are_a_parameter_named_after_it() -> None:
    templates = learnt(*(f"/products/{word}/reviews" for word in WORDS[:FEW]), "/products/search")
    assert templates.endpoint("GET", b"/products/redhat/reviews") == "GET /products/{product}/reviews"
    assert templates.endpoint("GET", b"/products/never-seen/reviews") == "GET /products/{product}/reviews"
    assert templates.endpoint("GET", b"/products/search") == "GET /products/search"
    assert templates.endpoint("DELETE", b"/products/me") == "DELETE /products/me"


def test_few_words_are_fixed() -> None:
    templates = learnt(*(f"/products/{word}" for word in WORDS[: FEW - 1]))
    assert templates.endpoint("GET", b"/products/redhat") == "GET /products/redhat"


def test_below_a_singular_it_takes_more() -> None:
    assert (
        learnt(*(f"/x/tag/{word}" for word in WORDS[: MANY - 1])).endpoint("GET", b"/x/tag/redhat").endswith("redhat")
    )
    assert learnt(*(f"/x/tag/{word}" for word in WORDS[:MANY])).endpoint("GET", b"/x/tag/redhat") == "GET /x/tag/{tag}"


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
    assert templates.endpoint("GET", b"/x/tag/anything") == "GET /x/tag/{tag}"


@pytest.mark.parametrize(
    ("word", "one"),
    [("orders", "order"), ("categories", "category"), ("boxes", "box"), ("status", "status"), ("address", "address"),
     ("branches", "branch"), ("Users", "User"), ("news-items", "news-item"), ("sheep", "sheep")],
)  # fmt: skip
def test_singular(word: str, one: str) -> None:
    assert singular(word) == one

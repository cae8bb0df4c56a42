"""A person's session with Kinto through its own client library: ``python session.py http://127.0.0.1:8888/v1``.

Sign-up, login, a bucket of one's own, records by generated ids and by slugs, conditional writes and what they refuse,
pages by tokens, changes since, deletions. Everything that a client learns, ids, ETags, page tokens, it sends back.
"""

import sys

import kinto_http
import requests
from kinto_http.exceptions import KintoException

SERVER = sys.argv[1]


def sign_up(name: str) -> kinto_http.Client:
    answer = requests.put(f"{SERVER}/accounts/{name}", json={"data": {"password": f"{name}'s own pass"}}, timeout=60)
    answer.raise_for_status()
    return kinto_http.Client(server_url=SERVER, auth=(name, f"{name}'s own pass"), retry=0)


def refused(what, *arguments, **named) -> int:
    """The status of a call that must not go through."""
    try:
        what(*arguments, **named)
    except KintoException as error:
        return error.response.status_code
    raise AssertionError("it went through")


def main() -> None:
    ada, bob = sign_up("ada"), sign_up("bob")
    ada.server_info()
    bucket = ada.create_bucket(id="blog", data={"title": "A blog"})
    ada.create_collection(id="articles", bucket="blog")
    articles = [
        ada.create_record(bucket="blog", collection="articles", data={"title": f"Article {number}", "order": number})
        for number in range(6)
    ]
    ada.create_record(id="about-us", bucket="blog", collection="articles", data={"title": "About us", "order": 99})
    first = articles[0]["data"]
    read = ada.get_record(id=first["id"], bucket="blog", collection="articles")
    changed = ada.update_record(
        data={**first, "title": "Changed"}, bucket="blog", collection="articles", if_match=first["last_modified"]
    )
    # The old version again: 412, and the record stays as it was changed.
    stale = {"data": {**first, "title": "Stale"}, "bucket": "blog", "collection": "articles"}
    assert refused(ada.update_record, **stale, if_match=first["last_modified"]) == 412
    again = ada.get_record(id=first["id"], bucket="blog", collection="articles")
    assert again["data"]["title"] == "Changed" != read["data"]["title"]
    ada.patch_record(data={"id": first["id"], "tags": ["a", "b"]}, bucket="blog", collection="articles")
    assert refused(bob.get_record, id=first["id"], bucket="blog", collection="articles") == 403
    assert refused(ada.get_record, id="no-such-article", bucket="blog", collection="articles") == 404
    pages = list(ada.get_paginated_records(bucket="blog", collection="articles", _limit=3, _sort="order"))
    assert sum(len(page["data"]) for page in pages) == 7
    since = ada.get_records(bucket="blog", collection="articles", _since=changed["data"]["last_modified"])
    assert {one["id"] for one in since} == {first["id"]}
    ada.delete_record(id=articles[1]["data"]["id"], bucket="blog", collection="articles")
    assert refused(ada.get_record, id=articles[1]["data"]["id"], bucket="blog", collection="articles") == 404
    with ada.batch(bucket="blog", collection="articles") as batch:
        batch.create_record(data={"title": "One of two"})
        batch.create_record(data={"title": "Two of two"})
    ada.patch_bucket(id="blog", data={"title": "The blog"}, if_match=bucket["data"]["last_modified"])
    mine = bob.create_record(bucket="default", collection="notes", data={"text": "my own bucket"})
    bob.get_record(id=mine["data"]["id"], bucket="default", collection="notes")
    ada.delete_bucket(id="blog")
    print("done")


if __name__ == "__main__":
    main()

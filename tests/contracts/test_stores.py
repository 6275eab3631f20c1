"""What every store keeps to, embedded or over the network."""

import asyncio
import base64
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from schemas.collections import CollectionPipeline
from schemas.library import ImageQuery, LibraryImage
from schemas.recipes import RecipeBody
from service.store.base import (
    CursorRefused,
    NameRefused,
    NotStored,
    Store,
    StoredOtherwise,
    StoreTooNew,
)
from tests.stores import (
    KINDS,
    MOMENT,
    PIPELINE,
    collected,
    collection_image,
    library_image,
    run,
    store_of,
    url_of,
)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return url_of(request.param, tmp_path, request)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = store_of(url)
    yield opened
    run(opened.close())


def test_it_tells_its_version(store: Store) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", run(store.version()))


def walk(store: Store, **query: object) -> list[LibraryImage]:
    """All pages, one behind the other."""
    found: list[LibraryImage] = []
    cursor = None
    while True:
        asked = ImageQuery.model_validate({**query, "cursor": cursor})
        page = run(store.images.page(asked))
        found += page.images
        cursor = page.next
        if cursor is None:
            return found


# --- opening -----------------------------------------------------------------------------------


def test_opening_twice_changes_nothing(store: Store) -> None:
    run(store.open())
    run(store.recipes.put("mine", RecipeBody()))
    run(store.open())
    assert [recipe.name for recipe in run(store.recipes.all())] == ["mine"]


def test_it_answers_a_ping(store: Store) -> None:
    run(store.ping())


def test_it_can_be_used_again_after_it_was_closed(store: Store) -> None:
    run(store.images.put([library_image(1)]))
    run(store.close())
    assert run(store.images.get(library_image(1).id)) == library_image(1)


def test_another_process_finds_what_was_stored(store: Store, url: str) -> None:
    run(store.images.put([library_image(1)]))
    other = store_of(url)
    assert run(other.images.get(library_image(1).id)) == library_image(1)
    run(other.close())


def test_a_database_of_a_later_version_is_refused(store: Store, url: str) -> None:
    run(store.open())
    run(store.close())
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA user_version = 1000")
        connection.close()
    else:
        with MongoClient(url) as client:  # type: MongoClient[dict[str, object]]
            meta = client.get_default_database()["darkroom_meta"]
            meta.update_one({"_id": "schema"}, {"$set": {"version": 1000}})
    with pytest.raises(StoreTooNew, match="version 1000"):
        run(store.open())


# --- the library -------------------------------------------------------------------------------


def test_an_image_comes_back_as_it_was_put(store: Store) -> None:
    image = library_image(1, path="a b/é 🚲.jpg", perceptual_hash=None)
    run(store.images.put([image]))
    assert run(store.images.get(image.id)) == image


def test_an_image_that_is_put_again_is_replaced(store: Store) -> None:
    run(store.images.put([library_image(1), library_image(2)]))
    run(store.images.put([library_image(1, bytes=9)]))
    assert [image.bytes for image in walk(store)] == [9, 5002]


def test_removing_counts_what_was_there(store: Store) -> None:
    run(store.images.put([library_image(1), library_image(2)]))
    assert run(store.images.remove([library_image(1).id, "nothing"])) == 1
    assert walk(store) == [library_image(2)]


def test_removing_nothing_is_allowed(store: Store) -> None:
    assert run(store.images.remove([])) == 0
    run(store.images.put([]))


def test_an_image_that_is_not_there_is_said_to_be_missing(store: Store) -> None:
    with pytest.raises(NotStored, match="no image abc"):
        run(store.images.get("abc"))


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"min_width": 103}, [3, 4]),
        ({"max_width": 101}, [0, 1]),
        ({"min_height": 999}, [0, 1]),
        ({"max_height": 997}, [3, 4]),
        ({"min_width": 101, "max_width": 103, "max_height": 998}, [2, 3]),
        ({"format": "png"}, [4]),
        ({"name": "00002"}, [2]),
        ({"name": "FOLDER/0000"}, [0, 1, 2, 3, 4]),
        ({"name": ".*"}, []),
        ({"name": "0\0"}, []),
        ({"format": "jpeg", "min_width": 102}, [2, 3]),
        ({"format": "jpeg"}, [0, 1, 2, 3]),
        ({"min_width": 500}, []),
    ],
    ids=str,
)
def test_a_query_finds(store: Store, query: dict[str, object], numbers: list[int]) -> None:
    formats = {4: "png"}
    images = [library_image(n, format=formats.get(n, "jpeg")) for n in range(5)]
    run(store.images.put(images))
    page = run(store.images.page(ImageQuery.model_validate(query)))
    assert page.images == [images[number] for number in numbers]
    assert (page.total, page.next) == (len(numbers), None)


def test_a_name_is_found_in_any_case(store: Store) -> None:
    image = library_image(1, path="Straße/ÉTÉ.JPG")
    run(store.images.put([image]))
    assert walk(store, name="été") == [image]
    assert walk(store, name="STRASSE") == [image]


def test_pages_of_many_matches_are_in_order_too(store: Store) -> None:
    """Few matches are found in another way than many."""
    images = [library_image(n) for n in range(1200)]
    run(store.images.put(images))
    query: dict[str, Any] = {"min_width": 101, "min_height": 1, "sort": "-path", "limit": 500}
    expected = [image for image in images[::-1] if image.width >= 101 and image.height >= 1]
    assert walk(store, **query) == expected


@pytest.mark.parametrize("key", ["path", "width", "height", "megapixels", "bytes", "modified"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_pages_go_through_all_images_in_order(store: Store, key: str, sign: str) -> None:
    # Every value three times, so that ids have to decide.
    same = {key: getattr(library_image(7), key)}
    images = [library_image(n) for n in range(4)] + [library_image(n, **same) for n in (8, 7, 9)]
    run(store.images.put(images))
    expected = sorted(images, key=lambda image: (getattr(image, key), image.id), reverse=bool(sign))
    assert walk(store, sort=f"{sign}{key}", limit=2) == expected


def test_the_total_counts_all_pages(store: Store) -> None:
    run(store.images.put([library_image(n) for n in range(5)]))
    first = run(store.images.page(ImageQuery(limit=2)))
    second = run(store.images.page(ImageQuery(limit=2, cursor=first.next)))
    assert (first.total, second.total) == (5, 5)


def test_a_walk_meets_each_image_once_while_others_are_added(store: Store) -> None:
    run(store.images.put([library_image(n) for n in range(0, 20, 2)]))
    first = run(store.images.page(ImageQuery(limit=5)))
    run(store.images.put([library_image(n) for n in range(1, 20, 2)]))
    second = run(store.images.page(ImageQuery(limit=100, cursor=first.next)))
    met = [image.id for image in first.images + second.images]
    assert len(set(met)) == len(met)
    assert {library_image(n).id for n in range(0, 20, 2)} <= set(met)


@pytest.mark.parametrize("cursor", ["", "x", "W10=", "WyJwYXRoIiwgMSwgMl0=", "é", "bnVsbA=="])
def test_a_cursor_that_is_none_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(CursorRefused):
        run(store.images.page(ImageQuery(cursor=cursor)))


@pytest.mark.parametrize(
    "content",
    [
        ["path", "a", "\ud800"],
        ["width", 10**30, "a"],
        ["bytes", -(2**63) - 1, "a"],
        ["megapixels", float("nan"), "a"],
        ["megapixels", float("inf"), "a"],
    ],
    ids=str,
)
def test_a_cursor_that_no_database_takes_is_refused(store: Store, content: list[Any]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    with pytest.raises(CursorRefused):
        run(store.images.page(ImageQuery(sort=content[0], cursor=cursor)))


def test_a_cursor_without_an_end_is_refused(store: Store) -> None:
    cursor = base64.urlsafe_b64encode(b"[" * 3000).decode()
    with pytest.raises(CursorRefused):
        run(store.images.page(ImageQuery(cursor=cursor)))


def test_a_cursor_of_another_order_is_refused(store: Store) -> None:
    run(store.images.put([library_image(n) for n in range(3)]))
    page = run(store.images.page(ImageQuery(limit=1)))
    with pytest.raises(CursorRefused, match="another `sort`"):
        run(store.images.page(ImageQuery(limit=1, sort="-path", cursor=page.next)))


def test_the_known_files_are_all(store: Store) -> None:
    images = [library_image(n) for n in range(3)]
    run(store.images.put(images))
    found = sorted(run(store.images.known()), key=lambda file: file.path)
    assert [(one.id, one.path, one.bytes, one.modified) for one in found] == [
        (image.id, image.path, image.bytes, image.modified) for image in images
    ]


def test_hashes_leave_out_images_that_have_none(store: Store) -> None:
    run(store.images.put([library_image(1), library_image(2, perceptual_hash=None)]))
    one = library_image(1)
    assert run(store.images.hashes()) == [(one.id, one.perceptual_hash)]


# --- collections -------------------------------------------------------------------------------

ODD_NAMES = [
    "a",
    "no dot",
    "a.b",
    "été",
    "🚲",
    "abc\u200f",
    "$",
    "'; DROP",
    '{"$ne": 1}',
    "x" * 100,
]
NAMES = [name for name in ODD_NAMES if "$" not in name]
REFUSED = ["", "$where", "system.x", "darkroom_images", "../up", "a/b", "a\\b", "nul\0", "x" * 1000]
REFUSED += [".", "..", ".a", "a.", "line\nbreak", "🚲" * 26, "\ud800"]


@pytest.mark.parametrize("name", NAMES)
def test_a_collection_is_kept_under_exactly_its_name(store: Store, name: str) -> None:
    made = run(store.collections.create(name, PIPELINE))
    assert (made.name, made.pipeline) == (name, PIPELINE)
    assert run(store.collections.get(name)) == made
    assert run(store.collections.all()) == [made]


@pytest.mark.parametrize("name", REFUSED, ids=ascii)
def test_a_name_that_attacks_is_refused(store: Store, name: str) -> None:
    with pytest.raises(NameRefused):
        run(store.collections.create(name, PIPELINE))
    with pytest.raises(NotStored):
        run(store.collections.get("never made"))
    assert run(store.collections.all()) == []


def test_a_collection_that_others_made_is_left_alone(store: Store, url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("the tables of SQLite are nobody else's")
    with MongoClient(url) as client:  # type: MongoClient[dict[str, object]]
        theirs = client.get_default_database()["theirs"]
        theirs.insert_one({"name": "a", "image": "something"})
        with pytest.raises(StoredOtherwise, match="not Darkroom's"):
            run(store.collections.create("theirs", PIPELINE))
        assert list(theirs.index_information()) == ["_id_"]
    assert run(store.collections.all()) == []


def test_creating_what_is_there_gives_it_back(store: Store) -> None:
    made = run(store.collections.create("mine", PIPELINE))
    assert run(store.collections.create("mine", PIPELINE)) == made


def test_a_collection_keeps_its_pipeline(store: Store) -> None:
    other = CollectionPipeline(operations=["resize=32x32"], encode={"format": "png"})
    assert run(store.collections.create("mine", other)).pipeline == other
    with pytest.raises(StoredOtherwise):
        run(store.collections.create("mine", PIPELINE))
    assert run(store.collections.get("mine")).pipeline == other


def test_of_many_that_create_at_once_all_get_the_same(store: Store) -> None:
    async def together() -> list[object]:
        calls = (store.collections.create("mine", PIPELINE) for _ in range(20))
        return list(await asyncio.gather(*calls))

    made = run(together())
    assert made == [made[0]] * 20


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_image_is_kept_under_exactly_its_name(store: Store, name: str) -> None:
    run(store.collections.create("mine", PIPELINE))
    image = collection_image(name)
    assert run(store.collections.insert("mine", [image])) == [True]
    assert run(store.collections.image("mine", name)) == image


@pytest.mark.parametrize("name", ["", "a/b", "..", "nul\0", "x" * 1000, "\ud800"], ids=ascii)
def test_an_image_name_that_attacks_is_refused_with_all(store: Store, name: str) -> None:
    run(store.collections.create("mine", PIPELINE))
    images = [collection_image("good"), collection_image("good").model_copy(update={"name": name})]
    with pytest.raises(NameRefused):
        run(store.collections.insert("mine", images))
    assert run(store.collections.page("mine", None, 10)).total == 0


def test_a_name_that_is_there_is_left_alone(store: Store) -> None:
    run(store.collections.create("mine", PIPELINE))
    run(store.collections.insert("mine", [collection_image("a", bytes=1)]))
    images = [collection_image(name, bytes=2) for name in ("b", "a", "c", "b")]
    assert run(store.collections.insert("mine", images)) == [True, False, True, False]
    assert run(store.collections.image("mine", "a")).bytes == 1


def test_of_inserts_at_once_each_name_is_inserted_once(store: Store) -> None:
    run(store.collections.create("mine", PIPELINE))
    images = [collection_image(f"{n}") for n in range(30)]

    async def together() -> list[list[bool]]:
        calls = (store.collections.insert("mine", images) for _ in range(8))
        return list(await asyncio.gather(*calls))

    answers = run(together())
    assert [sum(answer[n] for answer in answers) for n in range(30)] == [1] * 30
    assert run(store.collections.page("mine", None, 100)).total == 30


def test_collections_do_not_share_names(store: Store) -> None:
    for name in ("mine", "yours"):
        run(store.collections.create(name, PIPELINE))
        assert run(store.collections.insert(name, [collection_image("a")])) == [True]


def test_pages_are_in_the_order_of_names(store: Store) -> None:
    run(store.collections.create("mine", PIPELINE))
    names = ["b", "a", "B", "é", "🚲", "10", "2"]
    run(store.collections.insert("mine", [collection_image(name) for name in names]))
    found: list[str] = []
    after = None
    while True:
        page = run(store.collections.page("mine", after, 2))
        found += [image.name for image in page.images]
        assert page.total == len(names)
        after = page.next
        if after is None:
            break
    assert found == sorted(names)


def test_an_export_gives_all_in_order(store: Store) -> None:
    run(store.collections.create("mine", PIPELINE))
    images = [collection_image(f"{n:03}") for n in range(150)]
    run(store.collections.insert("mine", images[::-1]))
    assert run(collected(store.collections.export("mine"))) == images


def test_an_image_that_is_removed_is_gone(store: Store) -> None:
    run(store.collections.create("mine", PIPELINE))
    run(store.collections.insert("mine", [collection_image("a"), collection_image("b")]))
    run(store.collections.remove_image("mine", "a"))
    with pytest.raises(NotStored, match="no image 'a'"):
        run(store.collections.image("mine", "a"))
    with pytest.raises(NotStored):
        run(store.collections.remove_image("mine", "a"))
    assert [one.name for one in run(store.collections.page("mine", None, 9)).images] == ["b"]


def test_a_collection_that_is_removed_is_gone_with_its_images(store: Store) -> None:
    run(store.collections.create("mine", PIPELINE))
    run(store.collections.insert("mine", [collection_image("a")]))
    run(store.collections.remove("mine"))
    for call in (
        store.collections.get("mine"),
        store.collections.remove("mine"),
        store.collections.page("mine", None, 9),
        store.collections.insert("mine", [collection_image("b")]),
        store.collections.image("mine", "a"),
        collected(store.collections.export("mine")),
    ):
        with pytest.raises(NotStored, match="no collection 'mine'"):
            run(call)  # type: ignore[arg-type]
    run(store.collections.create("mine", PIPELINE))
    assert run(store.collections.page("mine", None, 9)).total == 0


def test_what_was_acknowledged_is_there_whatever_is_removed_at_the_same_time(store: Store) -> None:
    """Each round ends with a collection made and filled while the one before is removed."""

    async def remove() -> None:
        with suppress(NotStored):
            await store.collections.remove("mine")

    async def refill(number: int) -> bool:
        with suppress(NotStored):
            await store.collections.create("mine", PIPELINE)
            (fresh,) = await store.collections.insert("mine", [collection_image(f"{number}")])
            return fresh
        return False

    async def rounds() -> None:
        for number in range(20):
            await asyncio.gather(remove(), *(refill(number) for _ in range(3)), remove())
            await remove()
            await store.collections.create("mine", PIPELINE)
            assert (await store.collections.page("mine", None, 9)).images == []
            calls = (refill(number) for _ in range(3))
            assert sum(await asyncio.gather(*calls)) == 1

    run(rounds())


# --- recipes -----------------------------------------------------------------------------------

BODY = RecipeBody(operations=["resize=0.5"], encode={"quality": 80})
OTHER = RecipeBody(operations=[{"op": "blur", "kernel_size": 3}], fidelity="exact")


def test_a_recipe_comes_back_as_it_was_put(store: Store) -> None:
    made = run(store.recipes.put("mine", BODY))
    assert (made.name, made.version, made.operations) == ("mine", 1, BODY.operations)
    assert made.created_at > MOMENT
    assert run(store.recipes.get("mine")) == made


def test_a_change_makes_the_next_version(store: Store) -> None:
    first = run(store.recipes.put("mine", BODY))
    second = run(store.recipes.put("mine", OTHER))
    assert (second.version, second.fidelity) == (2, "exact")
    assert run(store.recipes.get("mine")) == second
    assert run(store.recipes.get("mine", 1)) == first


def test_putting_the_same_again_changes_nothing(store: Store) -> None:
    first = run(store.recipes.put("mine", BODY))
    assert run(store.recipes.put("mine", BODY)) == first


def test_versions_have_no_gaps_when_many_put_at_once(store: Store) -> None:
    async def together() -> list[int]:
        bodies = (RecipeBody(operations=[f"blur={n}"]) for n in range(12))
        made = await asyncio.gather(*(store.recipes.put("mine", body) for body in bodies))
        return sorted(recipe.version for recipe in made)

    assert run(together()) == list(range(1, 13))


def test_all_lists_the_last_versions_by_name(store: Store) -> None:
    run(store.recipes.put("b", BODY))
    run(store.recipes.put("a", BODY))
    run(store.recipes.put("b", OTHER))
    assert [(one.name, one.version) for one in run(store.recipes.all())] == [("a", 1), ("b", 2)]


def test_a_recipe_that_is_removed_is_gone_and_its_count_goes_on(store: Store) -> None:
    run(store.recipes.put("mine", BODY))
    run(store.recipes.put("mine", OTHER))
    run(store.recipes.remove("mine"))
    assert run(store.recipes.all()) == []
    for call in (store.recipes.get("mine"), store.recipes.get("mine", 2)):
        with pytest.raises(NotStored, match="no recipe 'mine'"):
            run(call)
    with pytest.raises(NotStored):
        run(store.recipes.remove("mine"))
    assert run(store.recipes.put("mine", BODY)).version == 3


def test_a_version_that_never_was_is_said_to_be_missing(store: Store) -> None:
    run(store.recipes.put("mine", BODY))
    with pytest.raises(NotStored, match="of version 7"):
        run(store.recipes.get("mine", 7))


@pytest.mark.parametrize("name", ["", "a/b", "..", "nul\0", "x" * 1000], ids=ascii)
def test_a_recipe_name_that_attacks_is_refused(store: Store, name: str) -> None:
    with pytest.raises(NameRefused):
        run(store.recipes.put(name, BODY))

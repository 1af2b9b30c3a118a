//! Deletes: their keys are delivered as the rows write them, and a watched item gets its own.

use serde_json::{Value, json};

use super::world::World;
use crate::handover::EventKind::{Delete, Init};

const LOWER: &str = "abcdef01-2345-4678-8abc-def012345678";
const UPPER: &str = "ABCDEF01-2345-4678-8ABC-DEF012345678";

/// What a delete of this key tells; `read`, where it is asked for, finds these rows.
#[track_caller]
fn deleted(rows: Value, key: Value, read: Option<Value>) -> Value {
    let mut world = World::connected();
    let (_, wire) = world.follow(rows);
    world.change(&wire, "delete", json!([key]));
    answer(&mut world, read);
    one_delete(&mut world)
}

#[track_caller]
fn answer(world: &mut World, read: Option<Value>) {
    match read {
        Some(rows) => {
            assert!(world.told.is_empty(), "it is asked for first");
            world.answer_read(rows);
        }
        None => assert!(world.sent.is_empty(), "{:?}", world.sent),
    }
}

/// The one key, or null.
#[track_caller]
fn one_delete(world: &mut World) -> Value {
    match world.changes().as_slice() {
        [] => Value::Null,
        [(Delete, data)] => data[0].clone(),
        others => panic!("{others:?}"),
    }
}

#[test]
fn i7_the_key_of_a_delete_is_delivered_as_the_rows_write_it() {
    let gone = || Some(json!([]));
    for (rows, given, read, told) in [
        (json!([{"id": "42"}]), json!("042"), gone(), "42"),
        (
            json!([{"id": "42"}]),
            json!("042"),
            Some(json!([{"id": "42"}])),
            "042",
        ),
        (json!([{"id": "42"}]), json!("43"), None, "43"),
        (json!([{"id": "1.50000"}]), json!("1.5"), gone(), "1.50000"),
        (json!([{"id": "1.50000"}]), json!(2.5), gone(), "2.50000"),
        (
            json!([{"id": "1.50000"}]),
            json!("1.50000"),
            None,
            "1.50000",
        ),
        (json!([{"id": LOWER}]), json!(UPPER), gone(), LOWER),
        // SQLite: it has reached nothing.
        (
            json!([{"id": LOWER}]),
            json!(UPPER),
            Some(json!([{"id": LOWER}])),
            UPPER,
        ),
        (json!([{"id": LOWER}]), json!(LOWER), None, LOWER),
        (json!([{"id": UPPER}]), json!(LOWER), gone(), UPPER),
        (json!([{"id": UPPER}]), json!(UPPER), None, UPPER),
        // Strings that look like numbers, some of them.
        (
            json!([{"id": "7"}, {"id": "007"}]),
            json!("007"),
            None,
            "007",
        ),
        (json!([{"id": "7"}, {"id": "x"}]), json!("07"), None, "07"),
    ] {
        assert_eq!(
            deleted(rows.clone(), given.clone(), read),
            json!(told),
            "{rows} {given}"
        );
    }
}

#[test]
fn only_the_misspelled_keys_of_a_delete_are_changed() {
    let mut world = World::connected();
    let (_, wire) = world.follow(json!([{"id": "1"}, {"id": "2"}, {"id": "3"}]));
    world.change(&wire, "delete", json!(["1", "02", "+3"]));
    assert_eq!(world.sent[0]["ids"], json!(["2", "3"]));
    let asked = &world.sent[0]["query"];
    assert_eq!(
        (&asked["fields"], &asked["limit"]),
        (&json!(["id"]), &json!(2))
    );
    world.answer_read(json!([{"id": "3"}]));
    assert_eq!(world.changes(), [(Delete, json!(["1", "2", "+3"]))]);
}

#[test]
fn i7_a_create_after_a_delete_with_another_spelling_is_delivered() {
    let mut world = World::connected();
    let (_, wire) = world.follow(json!([{"id": LOWER, "name": "n"}]));
    world.change(&wire, "delete", json!([UPPER]));
    world.answer_read(json!([]));
    world.change(&wire, "create", json!([{"id": LOWER, "name": "n"}]));
    world.answer_read(json!([{"id": LOWER}]));
    assert_eq!(world.told.len(), 2, "{:?}", world.told);
}

#[test]
fn i7_a_watched_item_gets_its_own_delete_in_every_spelling_and_no_other() {
    let gone = || Some(json!([]));
    for (item, key, given, read, told) in [
        ("7", json!(7), json!("7"), None, json!("7")),
        ("7", json!(7), json!(7), None, json!(7)),
        ("007", json!(7), json!("7"), None, json!("7")),
        ("7", json!(7), json!(" 007"), None, json!(" 007")),
        ("7", json!(7), json!("8"), None, json!(null)),
        ("7", json!(7), json!("70"), None, json!(null)),
        (
            "1.50",
            json!("1.50000"),
            json!("1.5"),
            gone(),
            json!("1.50000"),
        ),
        (
            "7",
            json!("7"),
            json!("007"),
            Some(json!([{"id": "7"}])),
            json!(null),
        ),
        ("7", json!("7"), json!("007"), gone(), json!("7")),
        ("ABC", json!("abc"), json!("abc"), None, json!("abc")),
        ("ABC", json!("abc"), json!("Abc"), gone(), json!("abc")),
        (
            UPPER,
            json!(UPPER),
            json!(LOWER),
            Some(json!([{"id": UPPER}])),
            json!(null),
        ),
        (UPPER, json!(LOWER), json!(UPPER), gone(), json!(LOWER)),
        // Rounded: two rows are shown alike.
        (
            "9007199254740993",
            json!(9007199254740992_u64),
            json!("9007199254740992"),
            Some(json!([{"id": 1}])),
            json!(null),
        ),
        (
            "9007199254740993",
            json!(9007199254740992_u64),
            json!("9007199254740993"),
            None,
            json!("9007199254740993"),
        ),
    ] {
        let mut world = World::connected();
        let (_, wire) = world.follow_item(item, json!([{"id": key}]));
        world.change(&wire, "delete", json!([given]));
        answer(&mut world, read);
        assert_eq!(one_delete(&mut world), told, "{item} {key} {given}");
    }
}

#[test]
fn a_watched_item_gets_only_its_own_key_of_a_delete_of_many() {
    let mut world = World::connected();
    let (_, wire) = world.follow_item("4", json!([{"id": 4}]));
    for (given, told) in [
        (json!([3, "4", 5]), json!(["4"])),
        (json!("4"), json!("4")),
        (json!([3, "44", null, [4]]), json!(null)),
        (json!("5"), json!(null)),
    ] {
        world.change(&wire, "delete", given.clone());
        let data = world.changes().pop().map_or(Value::Null, |(_, data)| data);
        assert_eq!(data, told, "{given}");
    }
}

#[test]
fn an_item_is_read_when_a_delete_may_name_it_in_another_spelling() {
    let mut world = World::connected();
    let (_, wire) = world.follow_item(UPPER, json!([]));
    world.change(&wire, "delete", json!([LOWER]));
    world.answer_read(json!([{"id": UPPER}]));
    assert!(world.told.is_empty(), "it stands");
    world.change(&wire, "delete", json!(["x"]));
    assert!(world.told.is_empty() && world.sent.is_empty());
    world.change(&wire, "delete", json!([UPPER]));
    assert_eq!(one_delete(&mut world), json!(UPPER));
}

#[test]
fn an_item_is_read_after_a_delete_without_keys() {
    let mut world = World::connected();
    let (_, wire) = world.follow_item("4", json!([{"id": 4}]));
    world.say(json!({"type": "subscription", "event": "delete", "uid": wire}));
    world.answer_read(json!([{"id": 4}]));
    assert!(world.told.is_empty());
    let (_, wire) = world.follow(json!([{"id": 4}]));
    world.say(json!({"type": "subscription", "event": "delete", "uid": wire}));
    assert_eq!(world.kinds(), [Delete]);
}

#[test]
fn a_frame_that_the_fast_path_took_for_a_delete_is_parsed_as_a_whole() {
    let mut world = World::connected();
    let (_, wire) = world.follow_item("4", json!([{"id": 4}]));
    let frame =
        format!(r#"{{"type":"subscription","event":"delete","data":[4],"x":[5],"uid":"{wire}"}}"#);
    world.say_text(&frame);
    assert_eq!(world.changes(), [(Delete, json!([4]))]);
    world.say_text(&frame.replace("[4]", "[3]"));
    assert!(world.told.is_empty());
}

#[test]
fn a_key_that_cannot_be_read_about_leads_to_a_snapshot() {
    let mut world = World::connected();
    let (_, wire) = world.follow(json!([{"id": LOWER}]));
    world.change(&wire, "delete", json!([UPPER]));
    let read = world.next();
    world.say(
        json!({"type": "items", "status": "error", "uid": read["uid"],
                     "error": {"code": "INTERNAL_SERVER_ERROR", "message": "no"}}),
    );
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [Init]);
}

//! People, as they are mentioned and looked for.

use std::sync::Arc;

use parlor::{
    model::{Doc, Person, Rev, Status, Timestamp, UserId},
    store::Store,
};

use super::stream::{person, put_docs};

async fn put_people(store: &Arc<dyn Store>, names: &[(&str, &str)]) -> Vec<Person> {
    let people: Vec<_> = names.iter().map(|(name, display)| person(name, display)).collect();
    put_docs(store, people.iter().cloned().map(Doc::Person)).await;
    people
}

async fn search(store: &Arc<dyn Store>, query: &str) -> Vec<String> {
    let page = store.find_people(query, None, 100).await.unwrap();
    assert!(!page.more);
    page.items.into_iter().map(|person| person.name).collect()
}

pub(super) async fn people_are_found_by_id_and_by_name(store: Arc<dyn Store>) {
    let people = put_people(&store, &[("ann", "Ann"), ("bob", "Bob"), ("eve", "Eve")]).await;
    let mut found = store.people(&[people[2].id, UserId::new(), people[0].id]).await.unwrap();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(found, [people[0].clone(), people[2].clone()]);
    let names = ["eve", "nobody", "ann", "an", "an%"].map(str::to_owned);
    let mut found = store.people_named(&names).await.unwrap();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(found, [people[0].clone(), people[2].clone()]);
    assert_eq!(store.people_named(&[]).await.unwrap(), []);
}

pub(super) async fn people_are_found_by_how_either_name_begins(store: Arc<dyn Store>) {
    put_people(
        &store,
        &[
            ("ann", "Ann Lee"),
            ("andy", "Zoë"),
            ("lee", "Lee Ann"),
            ("zoe", "Änne"),
            ("a_b", "%"),
            ("axb", "x"),
        ],
    )
    .await;
    assert_eq!(search(&store, "an").await, ["andy", "ann"]);
    assert_eq!(search(&store, "ann").await, ["ann"]);
    assert_eq!(search(&store, "zo").await, ["andy", "zoe"]);
    assert_eq!(search(&store, "lee a").await, ["lee"]);
    assert_eq!(search(&store, "ä").await, ["zoe"]);
    assert_eq!(search(&store, "a_").await, ["a_b"]);
    assert_eq!(search(&store, "%").await, ["a_b"]);
    assert_eq!(search(&store, ".").await, [""; 0]);
    assert_eq!(search(&store, "").await, ["a_b", "andy", "ann", "axb", "lee", "zoe"]);
}

pub(super) async fn people_come_by_name_page_by_page(store: Arc<dyn Store>) {
    put_people(&store, &[("dora", "Anna"), ("adam", "A"), ("bert", "Alf"), ("carl", "Carl"), ("eric", "A")])
        .await;
    for (query, all) in
        [("a", vec!["adam", "bert", "dora", "eric"]), ("", vec!["adam", "bert", "carl", "dora", "eric"])]
    {
        let (mut names, mut after) = (vec![], None::<String>);
        loop {
            let page = store.find_people(query, after.as_deref(), 2).await.unwrap();
            after = page.items.last().map(|person| person.name.clone());
            names.extend(page.items.into_iter().map(|person| person.name));
            assert_eq!(page.more, names.len() < all.len());
            if !page.more {
                break;
            }
        }
        assert_eq!(names, all);
    }
}

pub(super) async fn a_changed_profile_is_found_by_its_new_name(store: Arc<dyn Store>) {
    let mut ann = put_people(&store, &[("ann", "Before")]).await.remove(0);
    ann.display = "After".to_owned();
    ann.rev = Rev(2);
    put_docs(&store, [Doc::Person(ann.clone())]).await;
    assert_eq!(search(&store, "before").await, [""; 0]);
    assert_eq!(search(&store, "after").await, ["ann"]);
    let mut older = ann.clone();
    older.bio = "old".to_owned();
    older.rev = Rev(1);
    put_docs(&store, [Doc::Person(older)]).await;
    assert_eq!(store.people(&[ann.id]).await.unwrap(), [ann]);
}

pub(super) async fn what_a_person_says_of_the_moment_is_kept(store: Arc<dyn Store>) {
    let mut ann = put_people(&store, &[("ann", "Ann")]).await.remove(0);
    assert_eq!(store.people(&[ann.id]).await.unwrap()[0].status, None);
    for status in [
        Some(Status {
            emoji: Some("🌴".to_owned()),
            text: String::new(),
            busy: true,
            until: Some(Timestamp(9)),
        }),
        Some(Status { emoji: None, text: "Out for lunch".to_owned(), busy: false, until: None }),
        None,
    ] {
        ann.rev = ann.rev.next();
        ann.status = status;
        put_docs(&store, [Doc::Person(ann.clone())]).await;
        assert_eq!(store.people(&[ann.id]).await.unwrap(), [ann.clone()]);
    }
}

//! Reading while others write.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parlor::{
    log::{Resume, Span, Timeline},
    model::{Head, Seq, Stream, room::RoomView},
};

use super::{
    on_both,
    stage::{Node, Stage},
};
use crate::{audit::Story, dice::Dice, place::Place};

on_both! {
    a_page_loaded_while_messages_fly_is_continued_by_the_log,
    a_resume_while_messages_fly_is_as_new_as_the_head_it_names,
    who_saw_more_than_a_new_server_knows_is_not_told_to_load_anew,
}

/// Posts, edits, reacts and deletes through two nodes until told to stop.
async fn fly(stage: &Stage, read: impl AsyncFnOnce(&Node)) {
    let over = Arc::new(AtomicBool::new(false));
    let mut writers = tokio::task::JoinSet::new();
    for (n, who) in [(0, stage.alice), (1, stage.bob)] {
        let (node, room, over) = (stage.node(), stage.room, over.clone());
        writers.spawn(async move {
            let mut dice = Dice::new(n);
            let mut mine = vec![];
            for i in 0_u64.. {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let id = format!("{n}-{i}");
                match (dice.below(4), dice.pick(&mine).copied()) {
                    (0, Some((seq, base))) => drop(node.edit(room, who, &id, seq, base, &id).await),
                    (1, Some((seq, _))) => drop(node.react(room, who, &id, seq, i % 2 == 0).await),
                    (2, Some((seq, _))) if dice.one_in(4) => drop(node.delete(room, who, &id, seq).await),
                    _ => {
                        let done = node.say(room, who, &id, &id).await.unwrap();
                        mine.push((done.seq.unwrap(), done.rev.unwrap()));
                    }
                }
            }
        });
    }
    read(&stage.node()).await;
    over.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
}

/// Checks that a page, continued by the entries after its head, is what the room holds.
fn continued(page: &Timeline, story: &Story, now: &RoomView) {
    let mut view = RoomView::new(page.room.id);
    view.room = Some(page.room.clone());
    let seqs: Vec<Seq> = page.messages.iter().map(|message| message.seq).collect();
    view.messages = page.messages.iter().map(|message| (message.seq, Some(message.clone()))).collect();
    assert!(seqs.windows(2).all(|pair| pair[0].next() == pair[1]), "no hole in {seqs:?}");
    assert!(page.room.rev >= page.head.rev);
    assert_eq!(story.tag(page.head.rev), Some(page.head.tag));
    for entry in story.entries().filter(|entry| entry.rev > page.head.rev) {
        view.apply(entry);
    }
    assert_eq!(view.room, now.room);
    for seq in seqs {
        assert_eq!(view.message(seq), now.message(seq));
    }
}

async fn the_end(stage: &Stage) -> (Story, RoomView) {
    stage.audit().await;
    let story = Story::of(&stage.place.store, stage.stream()).await;
    let mut view = RoomView::new(stage.room);
    story.entries().for_each(|entry| view.apply(entry));
    (story, view)
}

async fn a_page_loaded_while_messages_fly_is_continued_by_the_log(place: Place) {
    let stage = Stage::new(place).await;
    let mut pages = vec![];
    fly(&stage, async |node| {
        while pages.len() < 40 {
            let n = pages.len() as u64;
            let span = match n % 4 {
                0 | 1 => Span::Last,
                2 => Span::Before(Seq(2 + n)),
                _ => Span::Around(Seq(1 + n)),
            };
            let page = node.log().timeline(stage.room, span, 20).await.unwrap().unwrap();
            pages.extend(Some(page).filter(|page| !page.messages.is_empty()));
        }
    })
    .await;
    let (story, view) = the_end(&stage).await;
    for page in &pages {
        continued(page, &story, &view);
    }
}

async fn a_resume_while_messages_fly_is_as_new_as_the_head_it_names(place: Place) {
    let stage = Stage::new(place).await;
    let mut at = stage.head(stage.stream()).await;
    // A reader that knows nothing but what resumes tell.
    let mut known = HashMap::new();
    let mut resumed = 0;
    fly(&stage, async |node| {
        while resumed < 40 {
            match node.log().resume_room(stage.room, at).await.unwrap() {
                Resume::Since(since) => {
                    at = since.head;
                    for message in since.messages {
                        let newer = known
                            .get(&message.seq)
                            .is_none_or(|known: &parlor::model::Message| known.rev < message.rev);
                        if newer {
                            known.insert(message.seq, message);
                        }
                    }
                    resumed += 1;
                }
                Resume::Reload(why) => panic!("nothing calls for a reload: {why:?}"),
            }
        }
    })
    .await;
    let (_, view) = the_end(&stage).await;
    let Resume::Since(last) = stage.node().log().resume_room(stage.room, at).await.unwrap() else {
        panic!("not all is missing")
    };
    known.extend(last.messages.into_iter().map(|message| (message.seq, message)));
    let now: HashMap<Seq, _> =
        view.messages.iter().filter_map(|(seq, message)| Some((*seq, message.clone()?))).collect();
    assert_eq!(known, now);
}

async fn who_saw_more_than_a_new_server_knows_is_not_told_to_load_anew(place: Place) {
    let stage = Stage::new(place).await;
    let (one, two) = (stage.node(), stage.node());
    let before = stage.head(stage.stream()).await;
    for id in ["one", "two"] {
        one.say(stage.room, stage.alice, id, id).await.unwrap();
    }
    let seen = stage.head(stage.stream()).await;
    one.say(stage.room, stage.alice, "three", "three").await.unwrap();
    two.store.fall_behind(stage.stream(), before);
    let resumed = two.log().resume_room(stage.room, seen).await.unwrap();
    let Resume::Since(since) = resumed else { panic!("the log is the same all along: {resumed:?}") };
    assert_eq!(since.messages.len(), 1, "{since:?}");

    // The same of a person's own stream.
    let own = Stream::Person(stage.alice.user);
    let seen = stage.head(own).await;
    two.store.fall_behind(own, Head::default());
    let resumed = two.log().resume_person(stage.alice.user, seen).await.unwrap();
    assert!(matches!(resumed, Resume::Since((at, _)) if at == seen), "{resumed:?}");
}

//! Files are seen: pictures in the timeline and large, players that seek, text that unfolds, and all of a room's files.

use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{
    chromium::browser,
    house::House,
    samples::{hum, noise, picture, share},
};

#[tokio::test]
async fn pictures_have_their_place_before_they_are_there() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let general = alice.general().await;
    share(&bob, &general, "One", vec![("wide.png", picture(1500, 1000, [220, 60, 60]))]).await;
    let page = browser().await;
    // No picture ever comes: what stands there is what was kept free for it.
    page.cdp("Network.enable", json!({})).await;
    page.cdp("Network.setBlockedURLs", json!({ "urls": ["*/files/*"] })).await;
    house.seat(&page, "alice", &format!("/rooms/{general}")).await;
    page.sees("One").await;
    let size: [f64; 2] = page
        .value("(() => { const { width, height } = document.querySelector('.image img').getBoundingClientRect(); return [width, height]; })()")
        .await;
    assert!((size[0] - 496.0).abs() < 2.0 && (size[1] - 331.0).abs() < 2.0, "{size:?}");
    page.cdp("Network.setBlockedURLs", json!({ "urls": [] })).await;
    // Before it comes, its colours are there.
    page.run::<Value>(
        "const link = document.querySelector('.image'); const img = link.querySelector('img'); \
         window.hash = img.dataset.placeholder",
        &[],
    )
    .await;
    let near_red: bool = page
        .promised(
            "const { decode } = await import(`${document.querySelector('script[type=module]').src.replace('main.js', '')}core/thumbhash.js`);
             const { data } = decode(window.hash);
             return data[0] > 150 && data[1] < 120 && data[2] < 120;",
            &[],
        )
        .await;
    assert!(near_red, "the blur has the picture's colour");
    page.driver.refresh().await.unwrap();
    page.until(
        "the picture, and no blur",
        "document.querySelector('.image img')?.naturalWidth > 0 && !document.querySelector('.image canvas')",
    )
    .await;
    page.until(
        "a smaller one is enough",
        "/-(480|1200)\\.webp$/.test(document.querySelector('.image img').currentSrc)",
    )
    .await;
}

#[tokio::test]
async fn pictures_are_looked_at_large_by_keys() {
    let house = House::open().await;
    let [alice, bob] = house.people(["alice", "bob"]).await;
    let general = alice.general().await;
    let four = ["a.png", "b.png", "c.png", "d.png"].map(|name| (name, picture(700, 400, [90, 160, 90])));
    share(&bob, &general, "Four", four.into()).await;
    share(&bob, &general, "", vec![("e.png", picture(300, 900, [90, 90, 200]))]).await;
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{general}")).await;
    page.connected().await;
    page.until("a grid", "document.querySelector('.images[data-count=\"4\"]')").await;
    page.run::<Value>("document.querySelectorAll('.image')[1].focus()", &[]).await;
    page.keys(Key::Enter).await;
    let at = async |name: &str, place: &str| {
        page.until_with(
            name,
            "document.querySelector('.lightbox[open] b')?.textContent === arguments[0] && document.querySelector('.lightbox .num').textContent === arguments[1]",
            &[json!(name), json!(place)],
        )
        .await;
    };
    at("b.png", "2 of 5").await;
    page.until("it is whole", "document.querySelector('.lightbox .stage img').naturalWidth === 700").await;
    page.keys(Key::Right).await;
    at("c.png", "3 of 5").await;
    page.keys(Key::End).await;
    at("e.png", "5 of 5").await;
    page.keys(Key::Right).await;
    at("e.png", "5 of 5").await;
    page.keys(Key::Home).await;
    page.keys(Key::Left).await;
    at("a.png", "1 of 5").await;
    page.keys("+").await;
    page.until("near", "document.querySelector('.lightbox').hasAttribute('data-close') && document.querySelector('.lightbox [aria-pressed]').getAttribute('aria-pressed') === 'true'").await;
    page.keys("+").await;
    page.until("nearer", "document.querySelector('.lightbox img').getBoundingClientRect().width === 1400")
        .await;
    page.keys("0").await;
    page.until("all of it", "document.querySelector('.lightbox img').getBoundingClientRect().width <= 1440")
        .await;
    let save: String = page.value("document.querySelector('.lightbox a[download]').download").await;
    assert_eq!(save, "a.png");
    page.keys(Key::Escape).await;
    page.until(
        "closed, and where one was",
        "!document.querySelector('.lightbox') && document.activeElement?.dataset.name === 'b.png'",
    )
    .await;
    assert!(page.complaints().await.is_empty());
}

#[tokio::test]
async fn sounds_seek_and_one_at_a_time_is_heard() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let general = alice.general().await;
    share(&alice, &general, "Two", vec![("one.wav", hum(30)), ("two.wav", hum(30))]).await;
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{general}")).await;
    page.connected().await;
    page.until("two players", "document.querySelectorAll('figure.audio audio').length === 2").await;
    let script = "
        const [one, two] = document.querySelectorAll('figure.audio audio');
        for (const player of [one, two]) player.muted = true;
        await one.play();
        one.currentTime = 20;
        await new Promise((done) => one.addEventListener('seeked', done, { once: true }));
        const at = one.currentTime;
        await two.play();
        return [at >= 20, one.duration, one.paused, two.paused];";
    let heard: Value = page.promised(script, &[]).await;
    assert_eq!(heard, json!([true, 30, true, false]));
}

#[tokio::test]
async fn text_is_read_where_it_stands_and_unfolds() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let general = alice.general().await;
    let code: String = (1..=40).map(|n| format!("let x{n} = {n}; // line {n}\n")).collect();
    share(&alice, &general, "Read", vec![("long.js", code.into_bytes()), ("tides.zip", noise(900))]).await;
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{general}")).await;
    page.until("painted, and folded", "document.querySelector('.reading .k') && !document.querySelector('.reading').textContent.includes('x13 =')").await;
    page.press_button("Show all 40 lines").await;
    page.until("all of it", "document.querySelector('.reading').textContent.includes('line 40')").await;
    page.press_button("Show less").await;
    page.until("folded", "!document.querySelector('.reading').textContent.includes('line 40')").await;
    let said: Vec<String> =
        page.value("[...document.querySelectorAll('.card small')].map((one) => one.textContent)").await;
    assert!(said[1].contains("ZIP · 900"), "{said:?}");
}

#[tokio::test]
async fn all_files_of_a_room_are_listed_by_kind_and_page() {
    let house = House::open().await;
    let [alice] = house.people(["alice"]).await;
    let general = alice.general().await;
    for n in 0..33 {
        share(&alice, &general, "", vec![(&*format!("{n}.txt"), format!("{n}").into_bytes())]).await;
    }
    share(&alice, &general, "", vec![("last.png", picture(300, 200, [1, 2, 200])), ("hum.wav", hum(2))])
        .await;
    let page = browser().await;
    house.seat(&page, "alice", &format!("/rooms/{general}")).await;
    page.connected().await;
    page.click("[data-open=files]").await;
    let rows = async |n: usize| {
        page.until_with(
            "rows",
            "document.querySelectorAll('.shelf .found li').length === arguments[0]",
            &[json!(n)],
        )
        .await;
    };
    rows(31).await;
    page.press_button("Show more").await;
    rows(35).await;
    page.until("no more", "!document.querySelector('.shelf .wide').checkVisibility()").await;
    page.press_button("Pictures").await;
    rows(1).await;
    page.click(".shelf .image").await;
    page.until("it is large", "document.querySelector('.lightbox[open] b')?.textContent === 'last.png'")
        .await;
    page.keys(Key::Escape).await;
    page.press_button("Video").await;
    page.until("none", "document.querySelector('.shelf .none').textContent.includes('no such files')").await;
    page.press_button("Audio").await;
    rows(1).await;
    page.press_button("Documents").await;
    rows(30).await;
    page.click(".shelf .found li:nth-child(30) a[data-seq]").await;
    page.until("its message", "!document.querySelector('.shelf') && document.querySelector('#timeline li[data-found] .card')?.dataset.name === '3.txt'").await;
}

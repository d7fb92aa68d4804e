//! Lists that are fetched page by page, against a server whose objects come and go.

use std::{collections::BTreeMap, sync::Mutex};

use drp_client::{BadAnswer, ClientErrorKind, Filter, Query};
use drp_core::{Profile, RawModel};
use futures_util::TryStreamExt;
use serde_json::json as value;

use crate::peer::{Peer, Seen, json, lines, soon};

fn pairs(seen: &Seen) -> BTreeMap<String, String> {
    let query = seen.line.split_once('?').map_or("", |(_, query)| query);
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (decode(k), decode(v))).collect()
}

/// The page of these names that a request asks for, as servers do it.
fn page(names: &[String], seen: &Seen) -> String {
    let asked = pairs(seen);
    let number = |name: &str| asked.get(name).map(|text| text.parse::<usize>().unwrap());
    let bound = |op: &str| {
        let text = asked.get("Key")?.strip_prefix(op)?.strip_prefix('(')?;
        Some(text.trim_end_matches(')').to_owned())
    };
    let mut found: Vec<&String> = names
        .iter()
        .filter(|name| bound("Gt").is_none_or(|low| **name > low) && bound("Lt").is_none_or(|high| **name < high))
        .collect();
    found.sort();
    if asked.contains_key("reverse") {
        found.reverse();
    }
    let found = found.into_iter().skip(number("offset").unwrap_or(0)).take(number("limit").unwrap_or(usize::MAX));
    value!(found.map(|name| value!({"Name": name})).collect::<Vec<_>>()).to_string()
}

fn names(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| format!("p{n:03}")).collect()
}

async fn server(names: Vec<String>) -> Peer {
    Peer::start(move |seen| json("200 OK", &page(&names, seen))).await
}

async fn walk(peer: &Peer, query: Query, size: u64) -> Vec<String> {
    let pages = peer.client().objects::<Profile>().pages(query).page_objects(size);
    let all: Vec<Profile> = soon(pages.try_collect()).await.unwrap();
    all.into_iter().map(|profile| profile.name).collect()
}

#[tokio::test]
async fn a_list_is_walked_by_key_and_ends_with_the_first_page_that_is_not_full() {
    let peer = server(names(0..5)).await;
    assert_eq!(walk(&peer, Query::new().filter("Available", Filter::eq(true)), 2).await, names(0..5));
    let expected = [
        "GET /profiles?Available=Eq%28true%29&limit=2&sort=Key",
        "GET /profiles?Available=Eq%28true%29&Key=Gt%28p001%29&limit=2&sort=Key",
        "GET /profiles?Available=Eq%28true%29&Key=Gt%28p003%29&limit=2&sort=Key",
    ];
    assert_eq!(lines(&peer), expected);
}

#[tokio::test]
async fn lists_of_any_length_limit_offset_and_direction_are_whole() {
    let check = async |count: usize, query: Query, size: u64, expected: Vec<String>, calls: usize| {
        let peer = server(names(0..count)).await;
        assert_eq!(walk(&peer, query.clone(), size).await, expected, "{count} by {size}, {query}");
        assert_eq!(peer.seen().len(), calls, "{count} by {size}, {query}");
    };
    check(0, Query::new(), 2, names(0..0), 1).await;
    check(1, Query::new(), 2, names(0..1), 1).await;
    check(4, Query::new(), 2, names(0..4), 3).await;
    check(9, Query::new().limit(5), 2, names(0..5), 3).await;
    check(9, Query::new().limit(4), 2, names(0..4), 2).await;
    check(9, Query::new().limit(0), 2, names(0..0), 0).await;
    check(9, Query::new().offset(3), 4, names(3..9), 2).await;
    check(9, Query::new().reverse(), 4, names(0..9).into_iter().rev().collect(), 3).await;
    check(9, Query::new().sort("Description"), 4, names(0..9), 3).await;
    check(9, Query::new().sort("Description").offset(2).limit(5), 3, names(2..7), 2).await;
    check(250, Query::new(), 1_000_000, names(0..250), 1).await;
}

#[tokio::test]
async fn objects_that_come_and_go_neither_hide_others_nor_repeat_them() {
    let stored = Mutex::new(names(10..30));
    let peer = Peer::start(move |seen| {
        let mut stored = stored.lock().unwrap();
        let answer = page(&stored, seen);
        // After each page one that was sent goes, and one comes before all.
        stored.sort();
        stored.remove(0);
        let count = stored.len();
        stored.insert(0, format!("a{count:03}"));
        stored.retain(|name| name != "p011");
        json("200 OK", &answer)
    })
    .await;
    let seen = walk(&peer, Query::new(), 3).await;
    assert_eq!(seen, names(10..30));
}

#[tokio::test]
async fn a_page_is_fetched_when_it_is_asked_for() {
    let peer = server(names(0..9)).await;
    let client = peer.client();
    let mut pages = client.raw_objects("profiles").pages(Query::new()).page_objects(3);
    assert!(peer.seen().is_empty());
    for n in 0..3 {
        let object: RawModel = pages.next().await.unwrap().unwrap();
        assert_eq!(object.text("Name"), format!("p00{n}"));
        assert_eq!(peer.seen().len(), 1);
    }
    pages.next().await.unwrap().unwrap();
    assert_eq!(peer.seen().len(), 2);
}

#[tokio::test]
async fn a_server_without_pages_answers_once() {
    let all = page(&names(0..7), &Seen { line: String::new(), headers: Vec::new(), body: String::new() });
    let peer = Peer::start(move |_| json("200 OK", &all)).await;
    assert_eq!(walk(&peer, Query::new(), 3).await, names(0..7));
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_goes_in_circles_is_an_error_and_not_an_endless_list() {
    let same = page(&names(0..2), &Seen { line: String::new(), headers: Vec::new(), body: String::new() });
    let peer = Peer::start(move |_| json("200 OK", &same)).await;
    let mut pages = peer.client().objects::<Profile>().pages(Query::new()).page_objects(2);
    for _ in 0..2 {
        pages.next().await.unwrap().unwrap();
    }
    let error = soon(pages.next()).await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), ClientErrorKind::BadAnswer(BadAnswer::Order)), "{error:?}");
    assert!(pages.next().await.is_none());
    assert_eq!(peer.seen().len(), 2);
}

#[tokio::test]
async fn an_error_in_the_middle_ends_the_list() {
    let first = page(&names(0..2), &Seen { line: String::new(), headers: Vec::new(), body: String::new() });
    let peer = Peer::script(vec![json("200 OK", &first), json("500 Internal Server Error", "{}")]).await;
    let mut pages = peer.client().objects::<Profile>().pages(Query::new()).page_objects(2);
    pages.next().await.unwrap().unwrap();
    pages.next().await.unwrap().unwrap();
    assert_eq!(pages.next().await.unwrap().unwrap_err().status(), Some(500));
    assert!(pages.next().await.is_none());
}

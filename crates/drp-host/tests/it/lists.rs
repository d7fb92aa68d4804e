//! Lists, short and long: what is sent, in which order, and what is counted.

use serde_json::{Value, json};

use crate::peer::{Answer, Peer};

const PROFILES: usize = 60;

/// Profiles of 10 KB, made out of order, beside the profile `global`.
async fn many_profiles() -> Peer {
    let peer = Peer::start().await;
    for n in (0..PROFILES).rev() {
        let profile = json!({"Name": format!("p{n:02}"), "Description": format!("d{}", n % 7),
            "Params": {"big": "x".repeat(10_000)}});
        assert_eq!(peer.call("POST", "/profiles", &profile.to_string()).await.status, 201);
    }
    peer
}

fn names(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    list.as_array().unwrap().iter().map(|object| object["Name"].as_str().unwrap().to_owned()).collect()
}

/// Visible, left by the filters, and sent.
fn counts(answer: &Answer) -> [usize; 3] {
    ["x-drp-list-total-count", "x-drp-list-filter-count", "x-drp-list-count"]
        .map(|name| answer.header(name).parse().unwrap())
}

#[tokio::test]
async fn a_long_list_comes_in_pieces_and_whole() {
    let peer = many_profiles().await;
    let all = peer.call("GET", "/profiles", "").await;
    assert!(all.body.len() > 500_000);
    assert_eq!((all.header("transfer-encoding"), all.header("content-length")), ("chunked", ""));
    let expected: Vec<String> =
        ["global".to_owned()].into_iter().chain((0..PROFILES).map(|n| format!("p{n:02}"))).collect();
    assert_eq!(names(&all), expected);
    assert_eq!(counts(&all), [PROFILES + 1; 3]);
    // Each object is as it comes alone, shown another way or not.
    for query in ["", "?slim=Meta", "?decode=true", "?params=none"] {
        let one = peer.call("GET", &format!("/profiles/p31{query}"), "").await.json();
        let list = peer.call("GET", &format!("/profiles{query}"), "").await.json();
        assert_eq!(list[32], one, "{query}");
    }
    let head = peer.call("HEAD", "/profiles", "").await;
    assert_eq!((counts(&head), head.body.len()), ([PROFILES + 1; 3], 0));
    peer.host.stop().await;
}

#[tokio::test]
async fn a_page_is_cut_out_of_what_the_filters_leave() {
    let peer = many_profiles().await;
    let check = async |query: &str, expected: &[&str], expected_counts: [usize; 3]| {
        let page = peer.call("GET", &format!("/profiles?{query}"), "").await;
        assert_eq!(
            (names(&page), counts(&page)),
            (expected.iter().map(|n| (*n).to_owned()).collect(), expected_counts)
        );
        assert_eq!(page.header("content-length"), page.body.len().to_string(), "{query}");
    };
    let total = PROFILES + 1;
    check("limit=2", &["global", "p00"], [total, total, 2]).await;
    check("limit=2&offset=59", &["p58", "p59"], [total, total, 2]).await;
    check("limit=0", &[], [total, total, 0]).await;
    check("Description=d6&limit=2&offset=1", &["p13", "p20"], [total, 8, 2]).await;
    check("Description=d6&sort=Name&reverse=true&limit=1", &["p55"], [total, 8, 1]).await;
    check("sort=Description&limit=3", &["global", "p00", "p07"], [total, total, 3]).await;
    // One that only one object can have is looked up, and the other filters hold too.
    check("Name=p07", &["p07"], [total, 1, 1]).await;
    check("Name=Eq(p07)&Description=d0", &["p07"], [total, 1, 1]).await;
    check("Name=p07&Description=d1", &[], [total, 0, 0]).await;
    check("Name=nobody", &[], [total, 0, 0]).await;
    check("Key=p07", &["p07"], [total, 1, 1]).await;
    check("Name=p07&Name=p09", &["p07", "p09"], [total, 2, 2]).await;
    peer.host.stop().await;
}

#[tokio::test]
async fn what_a_list_shows_is_of_one_moment() {
    let peer = Peer::start().await;
    let profile = |name: &str| json!({"Name": name, "Params": {"big": "x".repeat(300_000)}}).to_string();
    for name in ["a1", "a2", "a3", "a4"] {
        assert_eq!(peer.call("POST", "/profiles", &profile(name)).await.status, 201);
    }
    let rename = |n: usize| {
        let peer = &peer;
        async move {
            // One is there at any time, the other not.
            let (new, old) = if n.is_multiple_of(2) { ("z1", "z2") } else { ("z2", "z1") };
            assert_eq!(peer.call("POST", "/profiles", &profile(new)).await.status, 201);
            assert!(n == 0 || peer.call("DELETE", &format!("/profiles/{old}"), "").await.status == 200);
        }
    };
    for n in 0..6 {
        let ((), list) = tokio::join!(rename(n), peer.call("GET", "/profiles", ""));
        let list = list.json();
        let names: Vec<&Value> = list.as_array().unwrap().iter().map(|object| &object["Name"]).collect();
        let of_z = names.iter().filter(|name| name.as_str().unwrap().starts_with('z')).count();
        assert!(n == 0 || of_z > 0, "{names:?}");
    }
    peer.host.stop().await;
}

//! Params that become secret, and what is written meanwhile.

use super::*;

const PLAIN: &str = "hush-hush";

fn profile(number: usize, padding: usize) -> RawModel {
    model(json!({"Name": format!("p{number}"), "Params": {"the/secret": PLAIN, "big": "x".repeat(padding)}}))
}

fn declaration() -> RawModel {
    model(json!({"Name": "the/secret", "Secure": true}))
}

fn assert_nothing_is_plain(objects: &Objects, count: usize) {
    let profiles = objects.list("profiles").unwrap();
    assert_eq!(profiles.len(), count + 1);
    for profile in profiles {
        let text = serde_json::to_string(&*profile).unwrap();
        assert!(!text.contains(PLAIN), "{}", profile.text("Name"));
    }
}

#[tokio::test]
async fn more_than_is_sealed_at_once_is_sealed_too() {
    let objects = objects().await;
    let count = 5;
    for number in 0..count {
        objects.create(&by(), "profiles", profile(number, super::super::sealing::SEALED_BYTES_MAX / 4)).await.unwrap();
    }
    objects.create(&by(), "params", declaration()).await.unwrap();
    assert_nothing_is_plain(&objects, count);
}

#[tokio::test]
async fn no_writer_gets_past_a_declaration_with_a_plain_value() {
    let objects = objects().await;
    let count = 8;
    for number in 0..count {
        objects.create(&by(), "profiles", model(json!({"Name": format!("p{number}")}))).await.unwrap();
    }
    let writers: Vec<_> = (0..count)
        .map(|number| {
            let objects = Arc::clone(&objects);
            tokio::spawn(async move {
                for round in 0..4 {
                    let written = profile(number, round);
                    let set = |profile: &mut RawModel| {
                        profile.fields.insert("Params".to_owned(), written.fields["Params"].clone());
                        Ok(())
                    };
                    objects.update(&by(), "profiles", &format!("p{number}"), set).await.unwrap();
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    objects.create(&by(), "params", declaration()).await.unwrap();
    assert_nothing_is_plain(&objects, count);
    for writer in writers {
        writer.await.unwrap();
    }
    assert_nothing_is_plain(&objects, count);
}

#[tokio::test]
async fn what_an_older_host_left_in_plain_is_sealed_when_the_store_is_opened() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().unwrap());
    let objects = Objects::open(Arc::clone(&store)).await.unwrap();
    objects.create(&by(), "profiles", profile(0, 1)).await.unwrap();
    // As a host wrote it that sealed only what came after the declaration.
    let put = Change::put("params", "the/secret", serde_json::to_vec(&declaration()).unwrap());
    store.commit(Batch::new(Note::default()).with(put)).await.unwrap();
    let objects = Objects::open(store).await.unwrap();
    assert_nothing_is_plain(&objects, 1);
}

//! Objects of one's own, the cache, and params that many change.

use std::collections::BTreeMap;

use drp_plugin::{
    Model, ObjectType, Stored,
    client::{Filter, Query},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::start;

/// The objects as somebody else knows them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Unit {
    outlets: u8,
    machines: Vec<String>,
}

impl ObjectType for Unit {
    const NAME: &'static str = "pdu-units";
}

#[tokio::test]
async fn objects_of_a_type_are_made_found_changed_and_deleted() {
    let host = start("collections").await;
    assert_eq!(host.provider().store_objects["pdu-units"].parse::<Value>().unwrap()["Row"], json!({"type": "string"}));
    host.configure(json!({})).await.unwrap();
    let install = |unit: &str, row: &str| {
        let params = json!({"collections/unit": unit, "collections/row": row, "collections/outlets": 2});
        host.act_on_system::<()>("install", params)
    };
    for (unit, row) in [("u1", "a"), ("u2", "a"), ("u3", "b")] {
        install(unit, row).await.unwrap();
    }
    assert_eq!(install("u1", "a").await.unwrap_err().code, 409);

    // All at once: no outlet is given out twice, and none stays free while somebody is refused.
    let names = ["m1", "m2", "m3", "m4", "m5"];
    let machines = names.map(|name| host.machine(name));
    let mut plugged = Vec::new();
    let mut plugging = tokio::task::JoinSet::new();
    for machine in machines {
        let (machine, client) = (machine.await, host.client().clone());
        plugging.spawn(async move {
            let params = [("collections/row".to_owned(), "a".into())];
            let params = BTreeMap::from(params).into();
            client.objects::<drp_plugin::Machine>().run_action(&machine.key(), "plug", &params).await
        });
    }
    while let Some(outcome) = plugging.join_next().await {
        plugged.push(outcome.unwrap().map(|unit| unit.as_string().unwrap()).map_err(|error| error.status()));
    }
    let taken = |unit: &str| plugged.iter().filter(|plugged| plugged.as_deref() == Ok(unit)).count();
    assert_eq!((taken("u1"), taken("u2"), taken("u3")), (2, 2, 0), "{plugged:?}");
    assert!(plugged.contains(&Err(Some(409))), "{plugged:?}");
    host.wait_for_log("unit u2 had 1 machines and has 2 of 2").await;

    let units = host.client().objects::<Stored<Unit>>();
    let row_a = units.list(&Query::new().filter("Row", Filter::eq("a"))).await.unwrap();
    assert_eq!(row_a.iter().map(Model::key).collect::<Vec<_>>(), ["u1", "u2"]);
    assert_eq!(host.act::<()>("remove", &row_a[0], json!({})).await.unwrap_err().code, 409);
    // A field that this side does not know stays.
    let unit = units.update("u1", |unit| unit.machines.clear()).await.unwrap();
    assert_eq!((unit.others.text("Row"), unit.outlets), ("a".to_owned(), 2));
    host.act::<()>("remove", &unit, json!({})).await.unwrap();
    assert!(!units.exists("u1").await.unwrap());
    assert_eq!(host.wait_for_event("pdu-units.delete.*").await.object_as::<Stored<Unit>>().unwrap().id, "u1");
    host.stop().await;
}

#[tokio::test]
async fn what_the_type_does_not_allow_is_refused_by_the_server() {
    let host = start("collections").await;
    let units = host.client().raw_objects("pdu-units");
    let error = units.create(&json!({"Id": "u1", "Type": "pdu-units", "Outlets": "many"})).await.unwrap_err();
    let wire = error.wire().unwrap();
    assert_eq!((error.status(), wire.type_.as_str(), wire.model.as_str()), (Some(422), "ValidationError", "pdu-units"));
    assert!(wire.messages.join("").contains("Error in value: Outlets: Invalid type."), "{:?}", wire.messages);
    host.stop().await;
}

#[tokio::test]
async fn the_cache_follows_the_server_and_no_change_of_a_param_is_lost() {
    let host = start("machine-cache").await;
    host.configure(json!({})).await.unwrap();
    let machine = host.machine("m1").await;
    let census = async {
        while host.act_on_system::<BTreeMap<String, u32>>("census", json!({})).await.unwrap().values().sum::<u32>() < 1
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), census).await.unwrap();

    let visit = || host.act::<u64>("visit", &machine, json!({}));
    let (a, b, c) = tokio::join!(visit(), visit(), visit());
    let mut visits = [a.unwrap(), b.unwrap(), c.unwrap()];
    visits.sort_unstable();
    assert_eq!(visits, [1, 2, 3]);
    let claim = |owner: &str| host.act::<String>("claim", &machine, json!({"machine-cache/owner": owner}));
    let (ann, bob) = tokio::join!(claim("ann"), claim("bob"));
    let refused = ann.as_ref().err().or(bob.as_ref().err()).map(|error| error.code);
    assert!(ann.is_ok() != bob.is_ok() && refused == Some(409), "{ann:?} {bob:?}");
    host.stop().await;
}

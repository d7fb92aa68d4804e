//! What is refused for others' sake.

use super::*;

#[tokio::test]
async fn what_others_use_is_not_deleted() {
    let objects = objects().await;
    for (prefix, object) in [
        ("profiles", json!({"Name": "pr1"})),
        ("profiles", json!({"Name": "pr2", "Profiles": ["pr1"]})),
        ("stages", json!({"Name": "s1", "Tasks": ["t1"]})),
        ("tasks", json!({"Name": "t1"})),
        ("workflows", json!({"Name": "w1", "Stages": ["s1"]})),
        ("roles", json!({"Name": "r1", "Claims": []})),
        ("users", json!({"Name": "bob", "Roles": ["r1"]})),
        (
            "machines",
            json!({"Uuid": "24679e38-53a2-4a82-99dd-5280139de00c", "Name": "m1", "Profiles": ["pr1"], "Workflow": "w1"}),
        ),
    ] {
        objects.create(&by(), prefix, model(object)).await.unwrap();
    }
    let refused = async |prefix: &str, key: &str, expected: &[&str]| {
        let error = objects.delete(&by(), prefix, key).await.unwrap_err();
        assert_eq!((error.code, error.type_.as_str(), error.key.as_str()), (422, "StillInUseError", key));
        assert_eq!(*error.messages, expected);
    };
    let machine = "In use by Machine 24679e38-53a2-4a82-99dd-5280139de00c";
    refused("profiles", "pr1", &[machine, "In use by Profile pr2"]).await;
    refused("profiles", "global", &["In use by everything"]).await;
    refused("stages", "s1", &["In use by Workflow w1"]).await;
    refused("tasks", "t1", &["In use by Stage s1"]).await;
    refused("workflows", "w1", &[machine]).await;
    refused("roles", "r1", &["In use by User bob"]).await;
    for (prefix, key) in [("machines", "Name:m1"), ("profiles", "pr2"), ("profiles", "pr1"), ("workflows", "w1")] {
        objects.delete(&by(), prefix, key).await.unwrap();
    }
}

#[tokio::test]
async fn a_change_of_a_locked_machine_has_to_unlock_it() {
    let objects = objects().await;
    let machine = objects.create(&by(), "machines", model(json!({"Name": "m1", "Locked": true}))).await.unwrap();
    let key = machine.text("Uuid");
    let set = async |changes: Value| {
        let change = |machine: &mut RawModel| {
            for (name, value) in changes.as_object().unwrap() {
                machine.set(name, value).unwrap();
            }
            Ok(())
        };
        objects.update(&by(), "machines", &key, change).await.map_err(|error| (error.code, error.messages[0].clone()))
    };
    let locked = Err((409, "Locked".to_owned()));
    let text = async |changes| set(changes).await.map(|machine| machine.text("Description"));
    assert_eq!(text(json!({"Description": "x"})).await, locked);
    assert_eq!(text(json!({"Params": {"a/b": 1}})).await, locked);
    assert_eq!(text(json!({})).await, Ok(String::new()));
    let error = objects.delete(&by(), "machines", &key).await.unwrap_err();
    assert_eq!((error.code, error.messages[0].as_str()), (409, "Locked"));
    assert_eq!(text(json!({"Description": "x", "Locked": false})).await, Ok("x".to_owned()));
    assert_eq!(text(json!({"Description": "y", "Locked": true})).await, Ok("y".to_owned()));
}

#[tokio::test]
async fn a_role_may_only_speak_of_what_there_is() {
    let objects = objects().await;
    let claims = json!([{"scope": "freds", "action": "get", "specific": "*"}]);
    let error = objects.create(&by(), "roles", model(json!({"Name": "r1", "Claims": claims}))).await.unwrap_err();
    assert_eq!((error.code, error.messages[0].as_str()), (422, "r1: No such scope 'freds'"));
}

#[tokio::test]
async fn addresses_are_found_as_such_and_in_hexadecimal() {
    let objects = objects().await;
    objects.create(&by(), "reservations", model(json!({"Addr": "192.168.124.11", "Token": "t"}))).await.unwrap();
    for key in ["192.168.124.11", "C0A87C0B", "Addr:192.168.124.11", "Key:C0A87C0B"] {
        assert!(objects.get("reservations", key).unwrap().is_some(), "{key}");
    }
    let change = |object: &mut RawModel| object.set("Description", "x").map_err(|_| Error::default());
    objects.update(&by(), "reservations", "192.168.124.11", change).await.unwrap();
    let subnet = |name: &str| json!({"Name": name, "Subnet": "10.0.0.0/24", "OnlyReservations": true});
    objects.create(&by(), "subnets", model(subnet("n1"))).await.unwrap();
    let error = objects.create(&by(), "subnets", model(subnet("n2"))).await.unwrap_err();
    assert_eq!(error.messages[0], "n2: Subnet `10.0.0.0/24` is already in use");
}

#[tokio::test]
async fn a_tenant_goes_only_without_users() {
    let objects = objects().await;
    for name in ["ann", "bob"] {
        objects.create(&by(), "users", model(json!({ "Name": name }))).await.unwrap();
    }
    let tenant = model(json!({"Name": "t1", "Users": ["bob", "gone", "ann"]}));
    objects.create(&by(), "tenants", tenant).await.unwrap();
    let error = objects.delete(&by(), "tenants", "t1").await.unwrap_err();
    assert_eq!(error.to_string(), "StillInUseError: tenants/t1: Constraining Users: [ann bob]");
    for name in ["ann", "bob"] {
        objects.delete(&by(), "users", name).await.unwrap();
    }
    objects.delete(&by(), "tenants", "t1").await.unwrap();
}

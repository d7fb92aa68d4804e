//! The tests of the guide.
#![allow(clippy::unwrap_used, reason = "tests")]

use drp_test::{TestHost, context};
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_outlet_that_is_not_there_is_refused() {
    let pdu = Pdu { url: "https://pdu".to_owned(), password: Secure::new("opensesame".to_owned()), outlets: 8 };
    let error = powercycle(context(pdu), Machine::default(), Cycle { outlet: 9 }).await.unwrap_err();
    assert_eq!((error.code(), error.to_string()), (400, "pdu/outlet: there are 8 outlets, and no 9".to_owned()));
}

#[tokio::test]
async fn a_machine_is_cycled_and_its_outlet_freed_when_it_goes() {
    let host = TestHost::start(provider()).await;
    host.configure(json!({"pdu/url": "https://10.0.0.1", "pdu/password": "opensesame"})).await.unwrap();
    let machine = host.machine("web1").await;
    host.set_param(&machine, "pdu/outlet", 3).await;

    host.act::<()>("powercycle", &machine, json!({})).await.unwrap();
    host.wait_for_log("2 of 2: web1 goes on").await;
    let outlet = host.get::<Stored<Outlet>>("outlet-3").await;
    assert_eq!((&outlet.machine, outlet.cycles), (&machine.key(), 1));
    assert_eq!(host.act("pducount", &machine, json!({})).await, Ok(1));

    host.client().objects::<Machine>().delete(&machine.key()).await.unwrap();
    host.wait_for_log("outlet-3 is free").await;
    assert!(host.unpacked().join("bin/pdu-tool").exists());
    host.stop().await;
}

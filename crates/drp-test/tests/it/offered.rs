//! What a handler's context offers, at the real host: events, objects, the job's log, ownership, a cache, own paths.

use std::time::Duration;

use drp_client::NextJob;
use drp_core::{Job, Profile, Task};
use drp_plugin::{
    Cache, Context, EndpointRequest, EndpointResponse, Error, Machine, Model, NoParams, Provider, Result, Retry,
    Secure, System, wait_until, with_undo,
};
use drp_test::TestHost;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize, JsonSchema)]
struct Config {
    #[serde(rename = "clerk/token")]
    token: Secure<String>,
}

struct Clerk {
    token: Secure<String>,
    machines: Cache<Machine>,
}

async fn configure(context: Context<()>, config: Config) -> Result<Clerk> {
    Ok(Clerk { token: config.token, machines: Cache::watch(context.client()).await? })
}

/// Writes into the job's log, the secret included.
async fn work(context: Context<Clerk>, machine: Machine, _params: NoParams) -> Result<bool> {
    use std::io::Write;
    context.progress(format!("1 of 2: {} with {}", machine.name, context.state().token.expose()));
    writeln!(context.job_log().writer(), "2 of 2: done")?;
    Ok(context.job_log().has_job())
}

/// Tries, waits and takes back, as handlers do.
async fn patient(context: Context<Clerk>, _system: System, _params: NoParams) -> Result<u32> {
    let mut tries = 0;
    let retry = Retry::within(Duration::from_secs(20)).waits(Duration::from_millis(1), Duration::from_millis(2));
    let client = context.client();
    let ask = || {
        tries += 1;
        async move {
            client.info().await?;
            if tries < 3 { Err(Error::new(503, "busy")) } else { Ok(tries) }
        }
    };
    let tries = retry.run(ask).await?;
    wait_until(Duration::from_secs(20), Duration::from_millis(1), || async { Ok(client.info().await.ok()) }).await?;
    let log = context.job_log();
    let undone: Result<()> = with_undo(|undo| async move {
        client.info().await?;
        undo.push("the line", async move {
            log.line("taken back");
            Ok(())
        });
        Err(Error::new(409, "no"))
    })
    .await;
    Ok(tries + u32::from(undone.is_err()))
}

async fn answer(context: Context<Clerk>, request: EndpointRequest) -> Result<EndpointResponse> {
    if request.uri().path() == "/broken" {
        return Err(Error::new(409, format!("no use for {}", context.state().token.expose())));
    }
    let asked_by = request.headers().get("x-drp-principal").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let said = json!([request.method().as_str(), request.uri().to_string(), request.body().len(), asked_by]);
    Ok(EndpointResponse::new(said.to_string().into()))
}

fn provider() -> Provider<Clerk> {
    Provider::new("clerk", "v1.0.0")
        .configure(configure)
        .action("work", work)
        .action("tell", async |context: Context<Clerk>, _: System, _: NoParams| {
            context.publish("clerks", "told", "ann", &json!({"Hours": 7})).await
        })
        .action("count", async |context: Context<Clerk>, _: System, _: NoParams| {
            Ok(context.list_objects("machines").await?.len())
        })
        .action("none", async |context: Context<Clerk>, _: System, _: NoParams| {
            Ok(context.list_objects("no-such-type").await?.len())
        })
        .action("owned", async |context: Context<Clerk>, machine: Machine, _: NoParams| context.owns(&machine).await)
        .action("needy", async |context: Context<Clerk>, _: System, _: NoParams| {
            context.require_features(&["api-v3", "no-such-feature"]).await
        })
        .action("cached", async |context: Context<Clerk>, _: System, _: NoParams| {
            Ok(context.state().machines.all().iter().map(|machine| machine.name.clone()).collect::<Vec<_>>())
        })
        .action("leave", async |context: Context<Clerk>, _: System, _: NoParams| {
            context.leave(Error::new(500, "nothing to do")).await
        })
        .action("patient", patient)
        .endpoint(answer)
}

async fn clerk() -> TestHost {
    let host = TestHost::start(provider()).await;
    host.configure(json!({"clerk/token": "opensesame-2222"})).await.unwrap();
    host
}

#[tokio::test]
async fn events_are_published_and_objects_listed_over_the_hosts_socket() {
    let host = clerk().await;
    host.act_on_system::<()>("tell", json!({})).await.unwrap();
    let event = host.wait_for_event("clerks.told.ann").await;
    assert_eq!((event.object.get(), event.principal.as_str()), (r#"{"Hours":7}"#, "plugin:clerk"));
    host.machine("one").await;
    host.machine("two").await;
    assert_eq!(host.act_on_system::<usize>("count", json!({})).await.unwrap(), 2);
    assert_eq!(host.act_on_system::<usize>("none", json!({})).await.map_err(|error| error.code), Err(404));
    host.stop().await;
}

#[tokio::test]
async fn lines_reach_the_log_of_the_machines_job_without_secrets_before_the_action_answers() {
    let host = clerk().await;
    let idle = host.machine("idle").await;
    assert!(!host.act::<bool>("work", &idle, json!({})).await.unwrap(), "a machine without a job");

    host.create(&Task { name: "clerking".to_owned(), ..Task::default() }).await;
    let busy = json!({"Name": "busy", "Tasks": ["clerking"], "Runnable": true});
    let busy: Machine = host.client().objects().create(&busy).await.unwrap();
    let jobs = host.client().jobs();
    let NextJob::New(job) = jobs.next(&busy.key()).await.unwrap() else { panic!("there is a job") };
    assert!(host.act::<bool>("work", &host.get::<Machine>(&busy.key()).await, json!({})).await.unwrap());
    let mut log = jobs.log(&Job::key(&job)).await.unwrap();
    let mut text = String::new();
    while let Some(piece) = log.next().await.unwrap() {
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    assert!(text.ends_with("1 of 2: busy with [secret]\n2 of 2: done\n"), "{text}");
    host.stop().await;
}

#[tokio::test]
async fn a_machine_is_owned_by_its_own_param_or_one_of_its_profiles() {
    let host = clerk().await;
    let owned = async |machine: &Machine| host.act::<bool>("owned", machine, json!({})).await.unwrap();
    assert!(!owned(&host.machine("nobodys").await).await);

    let own = host.machine("own").await;
    host.set_param(&own, "machine-plugin", "clerk").await;
    assert!(owned(&host.get(&own.key()).await).await);

    let profile = Profile { name: "clerks".to_owned(), ..Profile::default() };
    let profile = host.create(&profile).await;
    host.set_param(&profile, "machine-plugin", "clerk").await;
    let by_profile = json!({"Name": "by-profile", "Profiles": ["clerks"]});
    let by_profile: Machine = host.client().objects().create(&by_profile).await.unwrap();
    assert!(owned(&by_profile).await);
    host.set_param(&by_profile, "machine-plugin", "another").await;
    assert!(!owned(&host.get(&by_profile.key()).await).await, "its own wins over the profile's");

    let error = host.act_on_system::<()>("needy", json!({})).await.unwrap_err();
    assert_eq!(error.code, 412);
    assert!(error.to_string().contains("lacks no-such-feature; "), "{error}");
    host.stop().await;
}

#[tokio::test]
async fn a_cache_follows_the_server_and_reads_again_after_a_gap() {
    let host = clerk().await;
    let shows = async |expected: &[&str]| {
        let looked = wait_until(Duration::from_secs(20), Duration::from_millis(10), || async {
            let mut names: Vec<String> = host.act_on_system("cached", json!({})).await.map_err(Error::from)?;
            names.sort_unstable();
            Ok((names == expected).then_some(()))
        });
        looked.await.unwrap_or_else(|error| panic!("{expected:?}: {error}"));
    };
    shows(&[]).await;
    let first = host.machine("first").await;
    host.machine("second").await;
    shows(&["first", "second"]).await;

    // What happens while the stream is cut is in no event.
    host.cut_api();
    host.client().objects::<Machine>().delete(&first.key()).await.unwrap();
    host.machine("third").await;
    host.restore_api();
    shows(&["second", "third"]).await;
    host.stop().await;
}

#[tokio::test]
async fn a_plugin_answers_below_plugin_apis_with_health_and_metrics() {
    use drp_client::Request;
    let host = clerk().await;
    host.act_on_system::<()>("tell", json!({})).await.unwrap();
    let get = async |parts: &[&str]| {
        let request = Request::list(&format!("plugin-apis/clerk/{}", parts.join("/"))).unwrap();
        host.client().send::<Value>(request).await
    };
    let health = get(&["health"]).await.unwrap();
    assert_eq!((&health["Plugin"], &health["Configured"]), (&json!("clerk"), &json!(true)));
    let said = get(&["a", "b"]).await.unwrap();
    assert_eq!((&said[0], &said[1], &said[2]), (&json!("GET"), &json!("/a/b"), &json!(0)));
    assert!(said[3].as_str().is_some_and(|who| who.contains("rocketskates")), "{said}");
    let error = get(&["broken"]).await.unwrap_err();
    assert_eq!(error.status(), Some(409));
    assert!(
        error.to_string().contains("no use for [secret]") || format!("{error:?}").contains("[secret]"),
        "{error:?}"
    );
    host.stop().await;
}

#[tokio::test]
async fn handlers_try_again_wait_and_take_back() {
    let host = clerk().await;
    assert_eq!(host.act_on_system::<u32>("patient", json!({})).await.unwrap(), 4);
    host.wait_for_log("taken back").await;
    host.stop().await;
}

#[tokio::test]
async fn a_plugin_that_leaves_is_stopped_and_not_started_again() {
    let host = clerk().await;
    host.act_on_system::<()>("leave", json!({})).await.unwrap();
    host.wait_for_log("Plugin clerk has stopped").await;
    let ended = host.stop().await;
    assert_eq!(ended.log.iter().filter(|line| line.message.contains("Plugin clerk is configured")).count(), 1);
}

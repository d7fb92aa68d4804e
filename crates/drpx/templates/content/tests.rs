//! The content is checked while it is compiled, so there is little left that a test could find.

use drp_test::TestHost;

use super::*;

#[tokio::test]
async fn its_content_and_its_files_are_on_the_server() {
    let host = TestHost::start(provider()).await;
    let object = |prefix: &str, key: &'static str| {
        let objects = host.client().raw_objects(prefix);
        async move { objects.get(key).await.unwrap() }
    };
    let stage = object("stages", "@NAME@-hello").await;
    assert_eq!(stage.text("Bundle"), "@NAME@");
    let tasks: Vec<String> = stage.get("Tasks").unwrap();
    let task = object("tasks", "@NAME@-hello").await;
    assert_eq!(tasks, [task.text("Name")]);
    assert!(host.unpacked().join("hello.sh").is_file());
    host.stop().await;
}

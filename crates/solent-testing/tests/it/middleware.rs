use http::StatusCode;
use solent_spec::{
    BoxApplication, Connection, Http, HttpProtocol, Middleware, Next, RequestScope, Result,
    WebSocket, from_fn, http::Outbound, http::plain_text, websocket,
};
use solent_testing::{HttpCommunicator, TestRequest, WebSocketCommunicator};

#[derive(Clone)]
struct Tenant(String);

async fn by_tenant(mut next: Next) -> Result {
    let Some(name) = next.header("x-tenant").map(str::to_owned) else {
        let refusal = plain_text(StatusCode::BAD_REQUEST, "Which tenant?\n");
        return next.refuse(refusal).await;
    };
    next.link_mut().insert(Tenant(name));
    assert!(next.state::<Tenant>().is_some());
    next.run().await
}

async fn page(mut connection: Connection<Http>) -> Result {
    let tenant = tenant(&connection);
    Ok(connection.send(Outbound::text(tenant)).await?)
}

async fn socket(mut connection: Connection<WebSocket>) -> Result {
    connection.receive().await;
    connection.send(websocket::Outbound::accept()).await?;
    let tenant = tenant(&connection);
    let message = websocket::Outbound::Message(tenant.into());
    Ok(connection.send(message).await?)
}

fn tenant<P: HttpProtocol>(connection: &Connection<P>) -> String {
    let tenant = connection.scope().state::<Tenant>();
    tenant.expect("the middleware has left it").0.clone()
}

fn page_and_socket() -> (BoxApplication<Http>, BoxApplication<WebSocket>) {
    let middleware = from_fn(by_tenant);
    let page = middleware.wrap(BoxApplication::new(page));
    (page, middleware.wrap(BoxApplication::new(socket)))
}

#[tokio::test(start_paused = true)]
async fn function_prepares_connections_of_both_protocols() -> Result {
    let (page, socket) = page_and_socket();
    let request = TestRequest::get("/").header("x-tenant", "north");

    let response = HttpCommunicator::start(page, request.clone())?
        .response()
        .await?;
    let (mut client, _) = WebSocketCommunicator::open(socket, request).await?;

    assert_eq!(response.text()?, "north");
    assert_eq!(client.receive_text().await?, "north");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn function_refuses_connections_of_both_protocols() -> Result {
    let (page, socket) = page_and_socket();

    let response = HttpCommunicator::start(page, "/")?.response().await?;
    let outcome = WebSocketCommunicator::start(socket, "/")?.connect().await?;

    assert_eq!(response.status, 400);
    let denial = outcome.rejected()?;
    assert_eq!(denial.status(), 400);
    Ok(())
}

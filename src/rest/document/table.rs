//! The table of routes. Both the router and the OpenAPI document are built from its entries, using
//! the types that their handlers take and return, so that the two cannot differ.

use std::{future::Future, pin::Pin};

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{About, Document};
use crate::rest::{
    Api,
    failure::Handled,
    request::{Answered, Anywhere, ApiRequest, Content, Fixed, NoBody, NoQuery, read},
};

/// The routes added so far.
pub struct Table {
    router: Router<Api>,
    document: Document,
}

impl Table {
    pub fn new() -> Self {
        Self {
            router: Router::new(),
            document: Document::new(),
        }
    }

    /// Adds a route with a JSON response.
    pub fn route<P, Q, B, A, F, R>(
        self,
        method: Method,
        path: &'static str,
        about: About,
        handler: F,
    ) -> Self
    where
        P: DeserializeOwned + JsonSchema + Send + 'static,
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        B: Content + 'static,
        A: JsonSchema + 'static,
        F: Fn(Api, ApiRequest<P, Q, B>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answered<A>> + Send + 'static,
    {
        self.route_of(None, method, path, about, handler)
    }

    /// Adds a route to what has the name of a fixed segment of another route's path. The router
    /// would take the request for that other route, and not find it.
    pub fn route_of<P, Q, B, A, F, R>(
        mut self,
        fixed: Fixed,
        method: Method,
        path: &'static str,
        about: About,
        handler: F,
    ) -> Self
    where
        P: DeserializeOwned + JsonSchema + Send + 'static,
        Q: DeserializeOwned + JsonSchema + Send + 'static,
        B: Content + 'static,
        A: JsonSchema + 'static,
        F: Fn(Api, ApiRequest<P, Q, B>) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Answered<A>> + Send + 'static,
    {
        let serve = serving(about.success, fixed, handler);
        let answer = self.document.json::<A>(&about.answer);
        self.document.add::<P, Q, B>(&method, path, &about, answer);
        self.add(method, path, serve)
    }

    /// Adds a route that responds with text of another type.
    pub fn text<F, R>(
        mut self,
        path: &'static str,
        kind: &'static str,
        about: About,
        handler: F,
    ) -> Self
    where
        F: Fn(Api) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Handled<String>> + Send + 'static,
    {
        let serve = move |State(api): State<Api>, request: Request| {
            let handler = handler.clone();
            async move {
                let answered = match read::<Anywhere, NoQuery, NoBody>(&api, request, None).await {
                    Ok(_) => handler(api).await,
                    Err(failure) => Err(failure),
                };
                match answered {
                    Ok(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
                    Err(failure) => failure.into_response(),
                }
            }
        };
        let name = kind.split(';').next().unwrap_or(kind);
        let schema = match name {
            "application/json" => json!({ "type": "object" }),
            _ => json!({ "type": "string" }),
        };
        let answer = json!({ name: { "schema": schema } });
        self.document
            .add::<Anywhere, NoQuery, NoBody>(&Method::GET, path, &about, answer);
        self.add(Method::GET, path, serve)
    }

    fn add<F, R>(mut self, method: Method, path: &str, serve: F) -> Self
    where
        F: Fn(State<Api>, Request) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Response> + Send + 'static,
    {
        let route: MethodRouter<Api> = match MethodFilter::try_from(method) {
            Ok(filter) => on(filter, serve),
            // The router supports every method in the table, so this is never reached.
            Err(_) => MethodRouter::new(),
        };
        self.router = self.router.route(path, route);
        self
    }

    /// The router, and the document that describes its routes.
    pub fn finish(self, has_key: bool) -> (Router<Api>, Value) {
        (self.router, self.document.finish(has_key))
    }
}

/// The function that the router calls: it reads a request, calls the handler, and writes the
/// response. `fixed` is the parameter that the path contains as a fixed segment.
fn serving<P, Q, B, A, F, R>(
    success: StatusCode,
    fixed: Fixed,
    handler: F,
) -> impl Fn(State<Api>, Request) -> Pin<Box<dyn Future<Output = Response> + Send>>
+ Clone
+ Send
+ Sync
+ 'static
where
    P: DeserializeOwned + Send + 'static,
    Q: DeserializeOwned + Send + 'static,
    B: Content + 'static,
    A: 'static,
    F: Fn(Api, ApiRequest<P, Q, B>) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Answered<A>> + Send + 'static,
{
    move |State(api): State<Api>, request: Request| {
        let handler = handler.clone();
        Box::pin(async move {
            let answers = api.answers.clone();
            let answered = match read::<P, Q, B>(&api, request, fixed).await {
                Ok(request) => handler(api, request).await,
                Err(failure) => Err(failure),
            };
            let answered = answered.and_then(|answer| {
                let status = answer.status(success);
                Ok((status, answer.body(&answers)?))
            });
            match answered {
                Ok((status, body)) => {
                    let json = [(header::CONTENT_TYPE, "application/json")];
                    (status, json, body).into_response()
                }
                Err(failure) => failure.into_response(),
            }
        })
    }
}

//! Clients: a browser with its cookies, a program with its token.

use reqwest::{
    Method, RequestBuilder, StatusCode,
    header::{HeaderMap, HeaderValue},
    redirect::Policy,
};
use serde_json::{Value, json};

use super::PASSWORD;

/// A nonce that nobody has used.
pub(crate) fn nonce() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Somebody who is registered, and logged in twice.
pub(crate) struct Person {
    /// Their id.
    pub(crate) id: String,
    /// The name they log in with.
    pub(crate) name: String,
    /// Their browser: cookies, and the headers that its own pages' requests have.
    pub(crate) page: Client,
    /// Their program, with an access token.
    pub(crate) api: Client,
    /// What the program was given when it registered.
    pub(crate) pass: Value,
}

/// Registers people at a server, and logs each in by a browser and by a program.
pub(crate) async fn people_at<const N: usize>(url: &str, names: [&str; N]) -> [Person; N] {
    let mut people = Vec::new();
    for name in names {
        let mut api = Client::program(url);
        let pass =
            api.post("/api/auth/register", json!({"name": name, "password": PASSWORD})).await.expect(201);
        api.token = pass["access_token"].as_str().map(str::to_owned);
        let page = Client::browser(url);
        page.form("/login", &[("name", name), ("password", PASSWORD)]).await.expect(303);
        let id = pass["user"].as_str().unwrap().to_owned();
        people.push(Person { id, name: name.to_owned(), page, api, pass });
    }
    people.try_into().unwrap_or_else(|_| unreachable!())
}

/// One who makes requests.
pub(crate) struct Client {
    /// Where.
    pub(crate) url: String,
    /// Shown with each request.
    pub(crate) token: Option<String>,
    browser: bool,
    http: reqwest::Client,
}

impl Client {
    /// With cookies, and as a page of ours would ask.
    pub(crate) fn browser(url: &str) -> Self {
        Self::new(url, true)
    }

    /// Without cookies.
    pub(crate) fn program(url: &str) -> Self {
        Self::new(url, false)
    }

    fn new(url: &str, browser: bool) -> Self {
        let http = reqwest::Client::builder().redirect(Policy::none()).cookie_store(browser);
        Self { url: url.to_owned(), token: None, browser, http: http.build().unwrap() }
    }

    /// A request to be sent by [`send`], with what this client always adds.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if self.browser {
            request = request.header("accept", "text/html,*/*;q=0.8").header("sec-fetch-site", "same-origin");
            if method != Method::GET {
                request = request.header("origin", &self.url);
            }
        }
        if method == Method::GET { request } else { request.header("idempotency-key", nonce()) }
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Writes, with a nonce of its own.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    /// Changes, with a nonce of its own.
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// Removes, with a nonce of its own.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Sends a form.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        send(with_form(self.request(Method::POST, path), fields)).await
    }
}

/// Adds a form's fields.
pub(crate) fn with_form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let encoded = |text: &str| -> String {
        let byte = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    request.header("content-type", "application/x-www-form-urlencoded").body(fields.join("&"))
}

/// Sends a request, and reads its answer to the end.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    Answer { status, headers, text: answer.text().await.unwrap() }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON, null where there is none, if the status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The error's fields, if the status and the code are these.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Value {
        let request = self.header("x-request-id").to_owned();
        let mut body = self.expect(status);
        assert_eq!(body["error"]["code"], code, "{body}");
        assert_eq!(body["error"]["request"], request.as_str(), "{body}");
        body["error"].take()
    }

    /// A header's text, empty where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(HeaderValue::to_str).transpose().unwrap().unwrap_or_default()
    }
}

//! The description as a page: paths by subject, then the forms of all bodies. Plain, so that it needs no network.

use askama::Template;
use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};
use serde_json::Value;

use crate::{
    app::App,
    error::{Error, Result},
    web::{pages, views::Frame},
};

#[derive(Template)]
#[template(path = "api.html")]
struct ApiPage {
    frame: Frame,
    about: String,
    subjects: Vec<Subject>,
    forms: Vec<Form>,
}

struct Subject {
    name: String,
    about: String,
    paths: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    about: String,
    open: bool,
    params: Vec<Field>,
    body: Option<String>,
    answers: Vec<Answer>,
}

struct Answer {
    status: String,
    form: Option<String>,
}

struct Form {
    name: String,
    about: String,
    fields: Vec<Field>,
}

/// A field of a body, or a parameter.
struct Field {
    name: String,
    place: String,
    kind: Kind,
    required: bool,
    about: String,
}

/// What a value is: a few words, or many or one of a form of its own.
struct Kind {
    words: String,
    form: Option<String>,
}

pub(super) fn show(app: &App, api: &Value) -> Result<Response> {
    let subjects = list(&api["tags"]).map(|tag| Subject {
        name: text(&tag["name"]),
        about: text(&tag["description"]),
        paths: paths(api, &tag["name"]),
    });
    let schemas = api["components"]["schemas"].as_object().into_iter().flatten();
    let page = ApiPage {
        frame: pages::frame(app),
        about: text(&api["info"]["description"]),
        subjects: subjects.collect(),
        forms: schemas.map(|(name, schema)| form(name, schema)).collect(),
    };
    let markup = page.render().map_err(Error::internal)?;
    Ok(([(header::CACHE_CONTROL, "no-cache")], Html(markup)).into_response())
}

fn paths(api: &Value, tag: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let operation = &item[method];
            if list(&operation["tags"]).any(|name| name == tag) {
                found.push(describe(method, path, operation));
            }
        }
    }
    found
}

fn describe(method: &str, path: &str, operation: &Value) -> Operation {
    let param = |param: &Value| Field {
        name: text(&param["name"]),
        place: text(&param["in"]),
        kind: kind(&param["schema"]),
        required: param["required"] == true,
        about: text(&param["description"]),
    };
    let body = |of: &Value| reference(&of["content"]["application/json"]["schema"]);
    let answers = operation["responses"].as_object().into_iter().flatten();
    let about = [&operation["summary"], &operation["description"]].map(text);
    Operation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        about: about.join(" ").trim().to_owned(),
        open: list(&operation["security"]).any(|needed| needed == &Value::Object(Default::default())),
        params: list(&operation["parameters"]).map(param).collect(),
        body: body(&operation["requestBody"]),
        answers: answers
            .map(|(status, answer)| Answer { status: status.clone(), form: body(answer) })
            .collect(),
    }
}

fn form(name: &str, schema: &Value) -> Form {
    let required: Vec<&str> = list(&schema["required"]).filter_map(Value::as_str).collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    let field = |(name, value): (&String, &Value)| Field {
        name: name.clone(),
        place: String::new(),
        kind: kind(value),
        required: required.contains(&name.as_str()),
        about: text(&value["description"]),
    };
    Form { name: name.to_owned(), about: text(&schema["description"]), fields: fields.map(field).collect() }
}

fn kind(schema: &Value) -> Kind {
    if let Some(form) = reference(schema) {
        return Kind { words: String::new(), form: Some(form) };
    }
    if schema["type"] == "array" {
        let each = kind(&schema["items"]);
        return Kind { words: format!("list of {}", each.words).trim_end().to_owned(), form: each.form };
    }
    if let Some(one) = list(&schema["oneOf"]).find(|one| one["type"] != "null") {
        let one = kind(one);
        return Kind { words: format!("null or {}", one.words).trim_end().to_owned(), form: one.form };
    }
    let words: Vec<String> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect(),
        other => vec![text(other)],
    };
    let format = schema["format"].as_str().map(|format| format!(" ({format})")).unwrap_or_default();
    Kind { words: format!("{}{format}", words.join(" or ")), form: None }
}

fn reference(schema: &Value) -> Option<String> {
    schema["$ref"].as_str()?.rsplit('/').next().map(str::to_owned)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

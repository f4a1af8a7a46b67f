//! The tasks of asyncio: found where each version keeps them, with the coroutines that they wait in.

use std::collections::HashSet;

use dpdb_snapshot::{Avma, Text};
use serde::Serialize;

use super::attributes::Attribute;
use super::await_chain;
use super::frames::{self, PythonFrame};
use super::heap::Heap;
use super::objects::Reader;
use super::threads::PythonThread;
use super::unreadable::Unreadable;
use super::value::PythonValue;
use crate::session::Session;
use crate::value::ValueLimits;

/// More tasks are not read.
const MOST_TASKS: usize = 1 << 17;
/// Frames of a thread that are searched for a running coroutine.
const SEARCHED: usize = 1 << 12;

/// A task of asyncio.
#[derive(Clone, Debug, Serialize)]
pub struct PythonTask {
    /// Its name, such as `Task-3`.
    pub name: Text,
    /// `pending`, `cancelled`, `finished`; `running` where a thread executes it.
    pub state: &'static str,
    /// The thread of the process that its event loop runs in, where one does.
    pub tid: Option<i32>,
    /// The coroutines that it consists of, outermost first, each awaiting the next.
    pub coroutines: Vec<PythonFrame>,
    /// What the innermost waits for: a future or another task, in short.
    pub waits_for: Option<Text>,
    /// Where it is.
    #[serde(skip)]
    pub at: Avma,
}

impl Session {
    /// The tasks of asyncio in all threads.
    pub fn python_tasks(&self) -> Vec<PythonTask> {
        let threads = self.python_threads();
        let Some((_, heap)) = self.python_heap() else { return Vec::new() };
        let finder = Finder { heap: &heap, threads: &threads };
        finder.all().into_iter().filter_map(|at| finder.task(at).ok()).collect()
    }
}

struct Finder<'h, 'a> {
    heap: &'h Heap<'a>,
    threads: &'h [PythonThread],
}

impl Finder<'_, '_> {
    /// The tasks of every interpreter, each once.
    fn all(&self) -> Vec<Avma> {
        let mut found = Vec::new();
        let mut interpreters = HashSet::new();
        for thread in self.threads {
            let _ = self.of_list(thread.state, "_PyThreadStateImpl.asyncio_tasks_head", &mut found);
            let Ok(Some(interpreter)) = self.heap.pointer(thread.state, "PyThreadState.interp") else { continue };
            if !interpreters.insert(interpreter) {
                continue;
            }
            let _ = self.of_list(interpreter, "PyInterpreterState.asyncio_tasks_head", &mut found);
            for name in ["_all_tasks", "_scheduled_tasks", "_eager_tasks"] {
                let set = self
                    .heap
                    .names_of_module(interpreter, "asyncio.tasks")
                    .and_then(|module| self.heap.dict_get(module, name));
                found.extend(set.map(|set| self.of_set(set)).unwrap_or_default());
            }
        }
        let mut seen = HashSet::new();
        found.retain(|at| seen.insert(*at));
        found.truncate(MOST_TASKS);
        found
    }

    /// From 3.14 on a thread links the tasks that were made in it; those of threads that ended hang on the interpreter
    /// (`struct llist_node`: next, previous).
    fn of_list(&self, of: Avma, head: &'static str, found: &mut Vec<Avma>) -> Result<(), Unreadable> {
        let head = self.heap.field(of, head)?;
        let node = self.heap.layout.offset("TaskObj.task_node")?;
        let mut at = Avma(self.heap.memory.read_u64(head)?);
        let mut seen = HashSet::new();
        while at != head && at.0 != 0 && seen.insert(at) && found.len() < MOST_TASKS {
            found.push(at.wrapping_sub(node));
            at = Avma(self.heap.memory.read_u64(at)?);
        }
        Ok(())
    }

    /// The tasks in a set, or in the weak references of a `WeakSet` (Lib/_weakrefset.py).
    fn of_set(&self, set: Avma) -> Vec<Avma> {
        let heap = self.heap;
        let data = self.attribute(set, "data").unwrap_or(set);
        if heap.expect(data, "set").is_err() {
            return Vec::new();
        }
        let items = heap.set(data, MOST_TASKS as u64).unwrap_or_default().items;
        let target = |at: Avma| match heap.type_of(at).ok()?.name.as_str() {
            "weakref" | "ReferenceType" => heap.pointer(at, "PyWeakReference.wr_object").ok()?,
            _ => Some(at),
        };
        items.into_iter().filter_map(target).filter(|at| !is_none(heap, *at)).collect()
    }

    fn attribute(&self, object: Avma, name: &str) -> Option<Avma> {
        match self.heap.attribute(object, name) {
            Ok(Some(Attribute::Object(at))) => Some(at),
            _ => None,
        }
    }

    fn task(&self, at: Avma) -> Result<PythonTask, Unreadable> {
        let coroutine = self.part(at, "TaskObj.task_coro", "_coro");
        let threads_loop = self.part(at, "TaskObj.task_loop", "_loop");
        let mut chain = coroutine.map(|coroutine| await_chain::of(self.heap, coroutine)).unwrap_or_default();
        let running = coroutine.and_then(|coroutine| self.on_a_stack(coroutine));
        let state = if running.is_some() { "running" } else { self.state(at) };
        // A task that runs waits for nothing; its coroutines are the frames on the stack.
        let waits_for = match running {
            Some(frames) => {
                chain.frames = frames;
                None
            }
            None => self.part(at, "TaskObj.task_fut_waiter", "_fut_waiter").or(chain.end),
        };
        Ok(PythonTask {
            name: Text::from(self.name(at).as_str()),
            state,
            tid: threads_loop.and_then(|of| self.thread_of(of)),
            coroutines: chain.frames,
            waits_for: waits_for.map(|at| Text::from(self.short(at).as_str())),
            at,
        })
    }

    /// What a task keeps in its structure, or one written in Python among its attributes.
    fn part(&self, task: Avma, field: &'static str, attribute: &str) -> Option<Avma> {
        let found = if self.is_native(task, "Task") {
            self.heap.pointer(task, field).ok().flatten()
        } else {
            self.attribute(task, attribute)
        };
        found.filter(|at| !is_none(self.heap, *at))
    }

    /// Whether an object is of a class of the module `_asyncio`, which is written in C, or of one derived from it.
    fn is_native(&self, object: Avma, class: &str) -> bool {
        let classes = self.heap.type_of(object).and_then(|facts| self.heap.mro(facts.at)).unwrap_or_default();
        let is_it = |at: &Avma| {
            self.heap.class(*at).is_ok_and(|facts| facts.name == class && facts.module.as_deref() == Some("_asyncio"))
        };
        classes.iter().any(is_it)
    }

    fn name(&self, task: Avma) -> String {
        let Some(name) = self.part(task, "TaskObj.task_name", "_name") else { return "?".to_owned() };
        match Reader::new(self.heap, ValueLimits::default()).value(name) {
            // Since 3.13 its number, until somebody asks.
            PythonValue::Int(number) => format!("Task-{number}"),
            value => self.heap.name(name).unwrap_or_else(|_| value.to_string()),
        }
    }

    /// `fut_state` (Modules/_asynciomodule.c), or the word for it of a future written in Python.
    fn state(&self, future: Avma) -> &'static str {
        const STATES: [&str; 3] = ["pending", "cancelled", "finished"];
        let field = if self.is_native(future, "Task") { "TaskObj.task_state" } else { "FutureObj.fut_state" };
        if self.is_native(future, "Future") || self.is_native(future, "Task") {
            let number = self.heap.byte(future, field).unwrap_or(u8::MAX);
            return STATES.get(usize::from(number)).copied().unwrap_or("damaged");
        }
        let word = self.attribute(future, "_state").and_then(|at| self.heap.name(at).ok()).unwrap_or_default();
        STATES.into_iter().find(|state| word.eq_ignore_ascii_case(state)).unwrap_or("unknown")
    }

    /// The thread that runs a loop: it keeps `threading.get_ident()`.
    fn thread_of(&self, of: Avma) -> Option<i32> {
        let ident = self.attribute(of, "_thread_id")?;
        let PythonValue::Int(ident) = Reader::new(self.heap, ValueLimits::default()).value(ident) else { return None };
        let ident = u64::try_from(&ident).ok()?;
        let is_it = |thread: &&PythonThread| self.heap.word(thread.state, "PyThreadState.thread_id") == Ok(ident);
        self.threads.iter().find(is_it)?.tid
    }

    /// The frames of a coroutine that a thread executes, outermost first, and of those that it awaits.
    fn on_a_stack(&self, coroutine: Avma) -> Option<Vec<PythonFrame>> {
        let at = await_chain::place(self.heap, coroutine).ok()??;
        for thread in self.threads {
            let stack = frames::stack(self.heap, thread, SEARCHED).frames;
            let Some(outermost) = stack.iter().position(|frame| frame.at == at) else { continue };
            let frames = stack[..=outermost].iter().rev();
            return Some(frames.take_while(|frame| frame.generator).cloned().collect());
        }
        None
    }

    /// A future or a task in a few words: `Task-3 (pending)`.
    fn short(&self, at: Avma) -> String {
        let facts = match self.heap.type_of(at) {
            Ok(facts) => facts,
            Err(why) => return why.to_string(),
        };
        let has = |name| self.is_native(at, name);
        if has("Task") || self.attribute(at, "_coro").is_some() {
            return format!("{} ({})", self.name(at), self.state(at));
        }
        if has("Future") || self.attribute(at, "_state").is_some() {
            return format!("{} ({})", facts.name, self.state(at));
        }
        format!("{} object at {at}", facts.full_name())
    }
}

fn is_none(heap: &Heap<'_>, at: Avma) -> bool {
    heap.type_of(at).is_ok_and(|facts| facts.builtin.as_deref() == Some("NoneType"))
}

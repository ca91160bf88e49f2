/* The projector as a Python extension: only the limited API, so that it is the same for each Python from 3.11. */
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "projector.h"

/* Room on the stack; a larger event has it allocated. */
#define SMALL_ROOM (16 * 1024)

typedef struct {
    PyObject_HEAD
    Plan plan;
    PyObject *excluded; /* a tuple: what is answered for each verdict but FIRED */
    PyObject *none;     /* an empty tuple */
} Projector;

static void projector_free(PyObject *self) {
    Projector *projector = (Projector *)self;
    PyTypeObject *type = Py_TYPE(self);
    plan_free(&projector->plan);
    Py_XDECREF(projector->excluded);
    Py_XDECREF(projector->none);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *projector_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    char *bytes;
    Py_ssize_t length;
    PyObject *plan, *excluded;
    if (named != NULL && PyDict_Size(named) != 0) {
        PyErr_SetString(PyExc_TypeError, "Projector takes no named arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(arguments, "O!O!", &PyBytes_Type, &plan, &PyTuple_Type, &excluded)) return NULL;
    if (PyBytes_AsStringAndSize(plan, &bytes, &length) != 0) return NULL;
    if (PyTuple_Size(excluded) != FIRED) {
        PyErr_SetString(PyExc_ValueError, "one outcome for each reason");
        return NULL;
    }
    Projector *projector = (Projector *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (projector == NULL) return NULL;
    projector->excluded = Py_NewRef(excluded);
    projector->none = PyTuple_New(0);
    if (projector->none != NULL && !plan_load(&projector->plan, (const byte *)bytes, (size_t)length))
        PyErr_SetString(PyExc_ValueError, "no plan");
    if (PyErr_Occurred()) {
        Py_DECREF(projector);
        return NULL;
    }
    return (PyObject *)projector;
}

static PyObject *text_of(Text text) {
    if (text.at == NULL) return Py_NewRef(Py_None);
    return PyUnicode_DecodeUTF8((const char *)text.at, (Py_ssize_t)text.length, NULL);
}

/* The list of strings that `project` has read in `joined`. */
static PyObject *list_of(Text joined) {
    const byte *p = joined.at + 1, *end = joined.at + joined.length;
    PyObject *list = PyList_New(0);
    Text text;
    for (bool first = true; list != NULL && next_element(&p, end, first) == THERE; first = false) {
        PyObject *each = (p = read_text(p, end, &text)) == NULL ? NULL : text_of(text);
        if (each == NULL || PyList_Append(list, each) != 0) Py_CLEAR(list);
        Py_XDECREF(each);
    }
    return list;
}

static PyObject *outcome_of(const Projector *projector, const Projection *found) {
    PyObject *outcome = PyTuple_New(5);
    if (outcome == NULL) return NULL;
    PyObject *items[] = {
        text_of(found->profile_id),
        text_of(found->id),
        found->timed ? PyFloat_FromDouble(found->occurred_at) : Py_NewRef(Py_None),
        PyBytes_FromStringAndSize((const char *)found->document.at, (Py_ssize_t)found->document.length),
        found->joined.at == NULL ? Py_NewRef(projector->none) : list_of(found->joined),
    };
    bool whole = true;
    for (Py_ssize_t i = 0; i < 5; i++) {
        whole = whole && items[i] != NULL;
        PyTuple_SetItem(outcome, i, items[i]); /* of a new tuple: it cannot fail, and takes the reference */
    }
    if (!whole) Py_CLEAR(outcome);
    return outcome;
}

static PyObject *projector_project(PyObject *self, PyObject *body) {
    Projector *projector = (Projector *)self;
    byte small[SMALL_ROOM], *room = small;
    char *bytes;
    Py_ssize_t length;
    if (!PyBytes_Check(body)) Py_RETURN_NONE;
    if (PyBytes_AsStringAndSize(body, &bytes, &length) != 0) return NULL;
    if ((size_t)length > projector->plan.most_bytes) Py_RETURN_NONE;
    size_t size = room_for(&projector->plan, (size_t)length);
    if (size > sizeof small && (room = PyMem_Malloc(size)) == NULL) return PyErr_NoMemory();
    Projection found;
    PyObject *outcome;
    Verdict verdict = project(&projector->plan, (const byte *)bytes, (size_t)length, room, size, &found);
    switch (verdict) {
        case UNUSUAL: outcome = Py_NewRef(Py_None); break;
        case FIRED: outcome = outcome_of(projector, &found); break;
        default: outcome = Py_XNewRef(PyTuple_GetItem(projector->excluded, verdict)); break;
    }
    if (room != small) PyMem_Free(room);
    return outcome;
}

static PyMethodDef projector_methods[] = {
    {"project", projector_project, METH_O, "What becomes of an event; None where only the Python code can tell."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot projector_slots[] = {
    {Py_tp_doc, "Projects events by a plan; answers with `excluded` where an event is not exported."},
    {Py_tp_new, projector_new},
    {Py_tp_dealloc, projector_free},
    {Py_tp_methods, projector_methods},
    {0, NULL},
};

static PyType_Spec projector_spec = {
    .name = "exporter.profile.native.projection.Projector",
    .basicsize = sizeof(Projector),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = projector_slots,
};

static int module_exec(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &projector_spec, NULL);
    if (type == NULL) return -1;
    int added = PyModule_AddObjectRef(module, "Projector", type);
    Py_DECREF(type);
    return added;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "exporter.profile.native.projection",
    .m_doc = "Reads, decides and builds in one pass (exporter/profile/native/).",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit_projection(void) { return PyModuleDef_Init(&module_definition); }

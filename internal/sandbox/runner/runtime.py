# Lambda's Python runtime in small: loads the handler, asks the Runtime API for work, answers or reports.
import http.client
import importlib
import json
import os
import sys
import time
import traceback

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
ROOT = os.environ["LAMBDA_TASK_ROOT"]
PREFIX = "/2018-06-01/runtime"


class Identity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class Client:
    def __init__(self, document):
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self, name, document.get("client", {}).get(name))


class ClientContext:
    def __init__(self, document):
        self.custom = document.get("custom")
        self.env = document.get("env")
        self.client = Client(document)


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = Identity()
        given = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = ClientContext(json.loads(given)) if given else None
        self.tenant_id = None
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def request(connection, method, path, body=None):
    connection.request(method, PREFIX + path, body, {"Content-Type": "application/json"})
    return connection.getresponse()


def load():
    name = os.environ["_HANDLER"]
    module_name, dot, attribute = name.rpartition(".")
    if not dot:
        raise LoadError("Runtime.MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as e:
        raise LoadError("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, e))
    except SyntaxError as e:
        raise LoadError("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, e))
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise LoadError("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (attribute, module_name))


class LoadError(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def trace(error):
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename != __file__ and not f.filename.startswith("<frozen")]
    return [line.replace(ROOT, "/var/task") for line in traceback.format_list(own)]


def report(error, request_id):
    kind, lines = (error.kind, []) if isinstance(error, LoadError) else (type(error).__name__, trace(error))
    print("[ERROR] %s: %s\nTraceback (most recent call last):\n%s" % (kind, error, "".join(lines)), flush=True)
    return json.dumps({"errorMessage": str(error), "errorType": kind, "requestId": request_id, "stackTrace": lines})


def main():
    sys.path.insert(0, ROOT)
    connection = http.client.HTTPConnection(API)
    try:
        handler = load()
    except BaseException as error:  # what a module raises at import, SystemExit too, is an initialisation error
        request(connection, "POST", "/init/error", report(error, "")).read()
        sys.exit(1)
    while True:
        answer = request(connection, "GET", "/invocation/next")
        body = answer.read()
        context = Context(answer.headers)
        here = "/invocation/" + context.aws_request_id
        try:
            document = handler(json.loads(body), context)
            try:
                result = json.dumps(document, ensure_ascii=False).encode()
            except TypeError as e:
                raise LoadError("Runtime.MarshalError", "Unable to marshal response: %s" % e)
        except Exception as error:
            request(connection, "POST", here + "/error", report(error, context.aws_request_id)).read()
            continue
        request(connection, "POST", here + "/response", result).read()


main()

"""What upstreams really say when they refuse, and what is made of it."""

import pytest

from gateway.failing import DASHSCOPE, NIM, answered

# status, body → scope, the client's status and code, what may be tried, how long who rests
GOLDEN = """
400 {"error":{"message":"Validation: Unsupported parameter(s): thinking","type":"Bad Request","code":400}}
    request 400 unsupported_parameter
400 {"error":"[{'type': 'extra_forbidden', 'loc': ('body', 'prompt_cache_key')}]"}
    request 400 unsupported_parameter
400 {"status":400,"title":"Bad Request","detail":"Function id '1-2': DEGRADED function cannot be invoked"}
    model 503 overloaded again elsewhere passes busy
400 {"object":"error","message":"max_tokens must be at least 1, got -7","type":"BadRequestError","param":"max_tokens"}
    request 400 context_length_exceeded larger
400 {"error":{"message":"This model's maximum context length is 8192 tokens","type":"BadRequestError","code":400}}
    request 400 context_length_exceeded larger
400 {"object":"error","message":"openai/gpt-oss-120b is not a multimodal model","type":"BadRequestError","code":400}
    request 400 images_not_supported seeing
401 {"status":401,"title":"Unauthorized","detail":"missing authorization"}
    credential 401 invalid_api_key elsewhere 1800s
403 {"status":403,"title":"Forbidden","detail":"Authorization failed"}
    credential 403 invalid_api_key elsewhere 1800s
404 {"status":404,"title":"Not Found","detail":"Function '1-2': Not found for account 'abc'"}
    credential×model 404 model_not_found elsewhere 3600s
404 404 page not found
    credential×model 404 model_not_found elsewhere 3600s
410 {"type":"about:blank","title":"Gone","status":410,"detail":"The model 'z' has reached its end of life"}
    credential×model 404 model_not_found elsewhere 3600s
422 {"title":"Unprocessable Entity","status":422,"detail":"body -> top_k\\n  Extra inputs are not permitted"}
    request 400 unsupported_parameter
429 {"status":429,"title":"Too Many Requests"}
    credential×model 429 rate_limit_exceeded elsewhere passes
500 {"message":"Internal server error","type":"internal_server_error","code":500}
    model 502 upstream_error again elsewhere
502 <html><h1>502 Bad Gateway</h1></html>
    model 502 upstream_error again elsewhere
504
    model 504 upstream_timeout again elsewhere
529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011"}
    model 503 overloaded again elsewhere passes busy
503 {"error":{"message":"ResourceExhausted: Worker local total request limit reached (163/32)","code":503}}
    model 503 overloaded elsewhere passes busy

400 {"error":{"message":"Range of input length should be [1, 98304]","code":"InvalidParameter"}}
    request 400 context_length_exceeded larger
400 {"code":"DataInspectionFailed","message":"Input text data may contain inappropriate content"}
    request 400 content_filter
400 {"code":"Arrearage","message":"Access denied, please make sure your account is in good standing"}
    credential 429 insufficient_quota elsewhere 1800s
400 {"error":{"message":"This model only support stream mode","code":"invalid_parameter_error"}}
    request 400 invalid_parameter_error
401 {"error":{"message":"Incorrect API key provided","type":"invalid_request_error","code":"invalid_api_key"}}
    credential 401 invalid_api_key elsewhere 1800s
403 {"error":{"message":"The free tier has been exhausted","type":"AllocationQuota.FreeTierOnly"}}
    credential×model 429 insufficient_quota elsewhere 1800s
403 {"code":"AccessDenied.Unpurchased","message":"Access denied"}
    credential×model 404 model_not_found elsewhere 3600s
404 {"code":"ModelNotFound","message":"The model x does not exist"}
    credential×model 404 model_not_found elsewhere 3600s
429 {"error":{"message":"Requests rate limit exceeded","code":"limit_requests"}}
    credential×model 429 rate_limit_exceeded elsewhere passes
429 {"error":{"message":"Free allocated quota exceeded.","code":"insufficient_quota"}}
    credential×model 429 insufficient_quota elsewhere 1800s
429 {"error":{"message":"rate","code":"1302"}}
    credential×model 429 rate_limit_exceeded elsewhere passes
503 {"code":"ModelUnavailable","message":"later"}
    model 503 overloaded again elsewhere passes busy

404 {"error":{"message":"No endpoints found that support image input","code":404}}
    request 400 images_not_supported seeing
402 {"error":{"message":"This request requires more credits, or fewer max_tokens.","code":402}}
    credential 429 insufficient_quota elsewhere 1800s
429 {"error":{"message":"Rate limit exceeded: free-models-per-day.","code":429,"metadata":{"headers":{}}}}
    credential×model 429 rate_limit_exceeded elsewhere passes
502 {"error":{"code":502,"message":"Provider returned error","metadata":{"raw":"worker died"}}}
    model 502 upstream_error again elsewhere
404 {"error":{"message":"model \\"x\\" not found","type":"not_found_error","param":null,"code":null}}
    credential×model 404 model_not_found elsewhere 3600s
500 {"error":{"code":500,"message":"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj","type":"server_error"}}
    request 400 images_not_supported seeing
503 {"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}
    model 503 overloaded again elsewhere passes busy
400 {"error":{"code":400,"message":"request (13392 tokens) exceeds","type":"exceed_context_size_error"}}
    request 400 context_length_exceeded larger
501 {"error":{"code":501,"message":"no embeddings here","type":"not_supported_error"}}
    request 501 upstream_error elsewhere
400 {"error":{"message":"bad","type":"BadRequestError","param":null,"code":400}}
    request 400 upstream_error
400 {"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}
    request 400 context_length_exceeded larger
400 {"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 9 + 2 > 10"}}
    request 400 context_length_exceeded larger
400 {"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}
    credential 429 insufficient_quota elsewhere 1800s
400 {"type":"error","error":{"type":"invalid_request_error","message":"temperature: Extra inputs are not permitted"}}
    request 400 unsupported_parameter
429 {"type":"error","error":{"type":"rate_limit_error","message":"This would exceed your rate limit"}}
    credential×model 429 rate_limit_exceeded elsewhere passes
400 {"error":{"message":"Unsupported parameter: 'max_tokens'","param":"max_tokens","code":"unsupported_parameter"}}
    request 400 unsupported_parameter
429 {"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}
    credential 429 insufficient_quota elsewhere 1800s
408 {"error":{"message":"timed out"}}
    model 504 upstream_timeout again elsewhere
307
    model 502 bad_upstream_response elsewhere
508 {"error":{"message":"it came back","code":"loop_detected"}}
    request 508 loop_detected
403 {"error":{"message":"您的账户已欠费","code":"AccessDenied"}}
    credential 429 insufficient_quota elsewhere 1800s
403 <html><title>Just a moment...</title></html>
    endpoint 502 upstream_blocked elsewhere
"""
LINES = [line for line in GOLDEN.splitlines() if line]


@pytest.mark.parametrize(("said", "meant"), list(zip(LINES[::2], LINES[1::2], strict=True)))
def test_what_an_upstream_says_decides_what_follows(said: str, meant: str) -> None:
    status, _, body = said.partition(" ")
    fault = answered(int(status), body)
    wider = fault.elsewhere and not (fault.larger or fault.seeing)
    words = {
        "seeing": fault.seeing,
        "again": fault.again,
        "larger": fault.larger,
        "elsewhere": wider,
        "passes": fault.passes,
    }
    able = [word for word, yes in (words | {"busy": fault.busy}).items() if yes]
    rest = [f"{fault.rest:.0f}s"] if fault.rest else []
    told = [fault.scope, str(fault.error.status), str(fault.error.code), *able, *rest]
    assert " ".join(told) == meant.strip()


def test_the_quota_of_a_minute_at_dashscope_passes_and_that_of_others_does_not() -> None:
    body = '{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}'
    codes = [answered(429, body, url).error.code for url in (DASHSCOPE, NIM)]
    assert codes == ["rate_limit_exceeded", "insufficient_quota"]

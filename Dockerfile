# One image for every service, the migration and the mail page; docker-compose.yml says which runs.
FROM python:3.13.14-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /opt/venv
# Before the code: a changed line of ours doesn't fetch the packages again.
COPY requirements.lock ./
RUN /opt/venv/bin/pip install --require-hashes --no-deps -r requirements.lock \
 && /opt/venv/bin/pip uninstall --yes pip
COPY shared ./shared
COPY services ./services
COPY stride ./stride
COPY clinics ./clinics
COPY protocols ./protocols
COPY measures ./measures
COPY deploy/healthy.py ./deploy/healthy.py
# Compiled here, since a container can't write beside the code.
RUN python -m compileall -q shared services stride


FROM python:3.13.14-slim-bookworm

RUN groupadd --gid 10001 stride \
 && useradd --uid 10001 --gid stride --no-create-home --home-dir /tmp --shell /usr/sbin/nologin stride \
 && install --directory --owner stride --group stride --mode 0700 /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["python", "-m"]
CMD ["stride", "--help"]

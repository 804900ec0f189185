# The operator's image, where a public base can be had. `make image` makes the same of Debian's packages, without a
# registry (scripts/image-operator.ts): the same program at the same place, for the same user.
#
# It holds what `edgebuild run` needs: Node, and dist/, which brings its packages with it. No buildah and no QEMU: in a
# cluster, others build.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY scripts/bundle.ts ./scripts/
COPY src ./src
RUN npm run build

FROM node:24-bookworm-slim
ENV NODE_ENV=production
COPY package.json LICENSE /opt/edgebuild/
COPY --from=build /app/dist /opt/edgebuild
# A number, so that Kubernetes can tell that it is not root. Nothing in the image belongs to it.
USER 65532:65532
ENTRYPOINT ["node", "/opt/edgebuild/main.js"]
CMD ["run"]
